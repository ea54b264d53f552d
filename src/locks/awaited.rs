//! A stack shows what its task waits for: the primitive it sleeps in, and the function that called it.

use super::kind::WaitKind;
use crate::grammar::{Grammar, List};
use crate::report::{Frame, without_leftovers};

/// What a stack says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Awaited {
    /// What the task waits for.
    pub(super) kind: WaitKind,
    /// Index of the first frame outside of the primitive.
    pub(super) site: usize,
}

/// What a function stands for in a list of the grammar's vocabulary: a kind of wait.
fn kind_in(list: List, name: &str) -> Option<WaitKind> {
    WaitKind::of(Grammar::built_in().vocabulary.function(list, name)?)
}

/// Whether the function is one of the scheduler's own, which are inside of every wait.
fn is_scheduler(name: &str) -> bool {
    scheduler(name).is_some_and(|role| role != Scheduler::Preempted)
}

/// What a function of the scheduler says about who sleeps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Scheduler {
    /// The slow path of a lock called it.
    Lock,
    /// A wait for input or output did.
    Io,
    /// The task was preempted.
    Preempted,
    /// Nothing.
    Plain,
}

fn scheduler(name: &str) -> Option<Scheduler> {
    Some(match Grammar::built_in().vocabulary.function(List::Scheduler, name)? {
        "lock" => Scheduler::Lock,
        "io" => Scheduler::Io,
        "preempted" => Scheduler::Preempted,
        _ => Scheduler::Plain,
    })
}

/// Reads what the task of this stack waits for; `None` for an empty stack and one that does not sleep.
pub(super) fn awaited(frames: &[Frame]) -> Option<Awaited> {
    let trusted = frames.iter().any(|frame| frame.reliable && frame.function.is_some());
    let counted = match trusted {
        true => (0..frames.len()).filter(|at| frames[*at].reliable).collect(),
        false => without_leftovers(&Grammar::built_in().vocabulary, frames),
    };
    let named: Vec<(usize, &str)> =
        counted.into_iter().filter_map(|index| Some((index, plain(frames[index].function.as_deref()?)))).collect();
    // An interrupted stack begins elsewhere: the task sleeps only if the scheduler is at its inner end.
    let first = named.iter().take(6).position(|(_, name)| is_scheduler(name));
    let entered = match first {
        Some(first) => first,
        None if named.first().is_some_and(|(_, name)| lock_kind(name).is_some() || is_completion(name)) => 0,
        None => return None,
    };
    // A task that was preempted does not wait.
    let mut innermost = named[..=entered].iter().chain(named.get(entered + 1));
    if innermost.any(|(_, name)| scheduler(name) == Some(Scheduler::Preempted)) {
        return None;
    }
    let inner = entered + named[entered..].iter().take_while(|(_, name)| is_scheduler(name)).count();
    let rest = &named[inner..];
    let called_by = |who: Scheduler| named[entered..inner].iter().any(|(_, name)| scheduler(name) == Some(who));
    let (first_site, name) = *rest.first()?;
    // Bit waits and completions have a few frames of their own before the lock that they may implement.
    if let Some(position) = rest.iter().take(2).position(|(_, name)| lock_kind(name).is_some()) {
        let mut kind = lock_kind(rest[position].1)?;
        let mut outside = position;
        while let Some(more) = rest.get(outside).and_then(|(_, name)| lock_kind(name)) {
            // `down_read` of a tty's semaphore, a futex's mutex: the outermost primitive names the lock.
            // On PREEMPT_RT mutexes and semaphores are made of real-time mutexes.
            let outer = kind.is_rwsem() && (more.is_ldsem() || more.is_rwsem())
                || kind == WaitKind::RtMutex && (more == WaitKind::Mutex || more.is_rwsem());
            kind = if kind == WaitKind::Semaphore || more == kind || outer { more } else { kind };
            outside += 1;
        }
        if rest.get(outside).is_some_and(|(_, name)| name.starts_with("futex_")) {
            kind = WaitKind::Futex;
        }
        let site = rest.get(outside).map_or(first_site, |(index, _)| *index);
        return Some(Awaited { kind, site });
    }
    // The outermost of the wait's own functions says what it is for: `msleep` of `netdev_wait_allrefs`.
    let own = rest.iter().take_while(|(_, name)| purpose(name).is_some() || is_completion(name)).count();
    if own > 0 {
        // A wait for a bit says least: what sleeps there, or who asked for it, may say more.
        let mut kinds = rest[..own].iter().rev().filter_map(|(_, name)| purpose(name));
        let outermost = kinds.next();
        let kind = match outermost {
            Some(WaitKind::Bit) => kinds.find(|kind| *kind != WaitKind::Bit).or(outermost),
            other => other,
        };
        let kind = kind.unwrap_or(WaitKind::Completion);
        return Some(Awaited { kind, site: rest.get(own).or(rest.last()).map_or(first_site, |(index, _)| *index) });
    }
    // A new thread sleeps in `kthread` itself until its creator wakes it.
    if name == "kthread" {
        return Some(Awaited { kind: WaitKind::FirstWakeup, site: first_site });
    }
    // Only the slow paths of locks sleep that way; the lock's own frames are missing.
    let kind = match (called_by(Scheduler::Lock), called_by(Scheduler::Io)) {
        (true, _) => WaitKind::Lock,
        (false, true) => WaitKind::Io,
        (false, false) => WaitKind::WaitQueue,
    };
    Some(Awaited { kind, site: first_site })
}

/// Which lock's own function this is.
fn lock_kind(name: &str) -> Option<WaitKind> {
    kind_in(List::LockWaits, name)
}

fn purpose(name: &str) -> Option<WaitKind> {
    kind_in(List::Waits, name)
}

fn is_completion(name: &str) -> bool {
    kind_in(List::Completions, name).is_some()
}

/// Whether the function is one of the scheduler, of a lock or of another primitive that tasks wait in.
#[must_use]
pub fn is_primitive(name: &str) -> bool {
    is_scheduler(name) || lock_kind(name).is_some() || purpose(name).is_some() || is_completion(name)
}

/// The name without what compilers add: `f.isra.0`, `f.part.3.cold`.
pub(super) fn plain(name: &str) -> &str {
    name.find('.').filter(|at| *at > 0).map_or(name, |at| &name[..at])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(names: &str) -> Option<(&'static str, String)> {
        let frames: Vec<Frame> = names
            .split(' ')
            .map(|name| Frame {
                function: Some(name.trim_start_matches('?').into()),
                reliable: !name.starts_with('?'),
                ..Frame::default()
            })
            .collect();
        awaited(&frames).map(|awaited| (awaited.kind.word(), frames[awaited.site].function.clone().unwrap_or_default()))
    }

    #[test]
    fn stacks_name_what_is_awaited_and_where() {
        for (stack, kind, site) in [
            (
                "__schedule ?lock_release schedule schedule_preempt_disabled __mutex_lock ?pointer foo bar",
                "mutex",
                "foo",
            ),
            (
                "context_switch __schedule schedule schedule_preempt_disabled __mutex_lock_common __mutex_lock mutex_lock_nested rtnl_lock",
                "mutex",
                "rtnl_lock",
            ),
            (
                "__schedule schedule rwsem_down_write_slowpath __down_write_common __down_write down_write lock_mount",
                "rwsem-write",
                "lock_mount",
            ),
            ("schedule rwsem_down_read_failed call_rwsem_down_read_failed down_read foo", "rwsem-read", "foo"),
            ("__schedule schedule percpu_rwsem_wait __percpu_down_read foo", "percpu-rwsem-read", "foo"),
            (
                "__schedule schedule schedule_timeout ___down_common __down_common down xfs_buf_lock",
                "semaphore",
                "xfs_buf_lock",
            ),
            ("__schedule schedule_rtlock rtlock_slowlock_locked rt_spin_lock foo bar", "rt-mutex", "foo"),
            ("__schedule schedule rt_mutex_slowlock_block.constprop.0 mutex_lock foo bar", "mutex", "foo"),
            ("__schedule schedule __lock_sock lock_sock_nested tcp_sendmsg", "socket-lock", "tcp_sendmsg"),
            ("__schedule schedule schedule_timeout __wait_for_common chain_root", "completion", "chain_root"),
            (
                "__schedule schedule schedule_timeout __wait_for_common wait_for_completion __flush_work wk_t2",
                "work",
                "wk_t2",
            ),
            (
                "__schedule schedule schedule_timeout do_wait_for_common __wait_for_common wait_for_common wait_for_completion flush_workqueue nbd_ioctl",
                "workqueue",
                "nbd_ioctl",
            ),
            (
                "__schedule schedule schedule_timeout wait_for_completion __wait_rcu_gp synchronize_sched.part.63 synchronize_sched namespace_unlock",
                "rcu",
                "namespace_unlock",
            ),
            (
                "__schedule schedule io_schedule folio_wait_bit_common write_cache_pages",
                "page-lock",
                "write_cache_pages",
            ),
            (
                "__schedule schedule io_schedule bit_wait_io __wait_on_bit_lock out_of_line_wait_on_bit_lock __lock_buffer foo",
                "io",
                "foo",
            ),
            ("__schedule schedule futex_wait_queue __futex_wait futex_wait do_futex", "futex", "do_futex"),
            ("__schedule schedule wb_wait_for_completion foo", "wait-queue", "wb_wait_for_completion"),
            (
                "__schedule schedule usb_kill_urb.part.0 usb_kill_urb usb_start_wait_urb usb_control_msg",
                "usb",
                "usb_control_msg",
            ),
            ("?__schedule ?schedule ?__mutex_lock ?foo", "mutex", "foo"),
            ("__schedule schedule schedule_preempt_disabled kthread ret_from_fork", "first-wakeup", "kthread"),
            (
                "rwsem_down_failed_common rwsem_down_write_failed call_rwsem_down_write_failed ?down_write sys_mmap_pgoff",
                "rwsem-write",
                "sys_mmap_pgoff",
            ),
            (
                "rwsem_down_failed_common rwsem_down_read_failed call_rwsem_down_read_failed ?down_read do_page_fault",
                "rwsem-read",
                "do_page_fault",
            ),
            (
                "?blk_finish_plug ?io_schedule ?sleep_on_page_killable ?__wait_on_bit_lock ?readahead",
                "page-lock",
                "readahead",
            ),
        ] {
            assert_eq!(of(stack), Some((kind, site.into())), "{stack}");
        }
        assert_eq!(of("foo bar baz"), None);
    }

    #[test]
    fn every_meaning_of_the_vocabulary_is_a_kind() {
        let grammar = Grammar::built_in();
        for list in [List::LockWaits, List::Waits, List::Completions] {
            for meaning in grammar.vocabulary.meanings(list) {
                assert!(WaitKind::of(meaning).is_some(), "{meaning}");
            }
        }
    }
}
