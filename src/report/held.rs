//! Held-lock lists: `2 locks held by comm/pid:` and the lines ` #0: …` below it, mailed and symbolized ones included.

use super::frames::frame_after;
use super::scan::{after, find_last, is_hex, leading_number, number, split, task, text, word};
use super::{HeldLock, HeldLocks};

/// Whether fewer locks were shown than announced, so that more may come.
pub(super) fn lacks_some(list: &HeldLocks) -> bool {
    list.announced.is_some_and(|announced| list.locks.len() < announced as usize)
}

/// The header of a list; `no locks held by …` is a list that announces none.
pub(super) fn header(line: &[u8], log_line: u64) -> Option<HeldLocks> {
    // Nearly all lines end here.
    matches!(line.first()?, b'0'..=b'9' | b'n').then_some(())?;
    let (announced, rest) = match after(line, "no ") {
        Some(rest) => (0, rest),
        None => leading_number(line)?,
    };
    let rest =
        after(rest.trim_ascii_start(), "locks held by ").or_else(|| after(rest.trim_ascii_start(), "lock held by "))?;
    let rest = rest.trim_ascii_end();
    let rest = rest.strip_suffix(b":").or_else(|| rest.strip_suffix(b".")).unwrap_or(rest);
    let rest = match [" on cpu ", " on CPU", ", last CPU#"].iter().filter_map(|mark| find_last(rest, mark)).max() {
        Some(at) => rest[..at].strip_suffix(b":").unwrap_or(&rest[..at]),
        None => rest,
    };
    Some(HeldLocks {
        task: task(rest, b'/'),
        announced: u32::try_from(announced).ok(),
        line: log_line,
        locks: Vec::new(),
    })
}

/// A line `#0: ADDRESS (class){usage}-{wait:type}, at: function`, with or without number and address.
pub(super) fn lock(line: &[u8], log_line: u64) -> Option<HeldLock> {
    let mut rest = line.trim_ascii();
    let mut out = HeldLock { line: log_line, ..empty() };
    if let Some(tail) = rest.strip_prefix(b"#") {
        let (number, tail) = leading_number(tail)?;
        out.number = u32::try_from(number).ok();
        rest = tail.strip_prefix(b":")?.trim_ascii_start();
    }
    let (first, tail) = word(rest);
    if is_hex(first) && first.len() >= 8 {
        out.address = Some(text(first));
        rest = tail;
    } else if matches!(first, b"(ptrval)" | b"(____ptrval____)" | b"(null)" | b"(null):" | b"(efault)") {
        rest = tail;
    }
    let named = class(rest)?;
    out.class = text(named.class);
    out.subclass = memchr::memrchr(b'/', named.class)
        .and_then(|at| number(&named.class[at + 1..]))
        .and_then(|value| u32::try_from(value).ok());
    out.usage = named.usage.map(text);
    out.wait_type = named.wait_type.map(text);
    if let Some((_, at)) = split(named.rest, "at: ") {
        out.acquired_at = frame_after(at, log_line);
    }
    Some(out)
}

/// A lock's class as lockdep prints it, and what follows.
pub(super) struct Class<'a> {
    pub(super) class: &'a [u8],
    pub(super) usage: Option<&'a [u8]>,
    pub(super) wait_type: Option<&'a [u8]>,
    pub(super) rest: &'a [u8],
}

/// Reads `(class){usage}-{wait:type}`; the class may hold parentheses: `((work_completion)(&x->work)){+.+.}`.
pub(super) fn class(bytes: &[u8]) -> Option<Class<'_>> {
    let inner = bytes.strip_prefix(b"(")?;
    let Some((class, tail)) = split(inner, "){") else {
        let end = split(inner, "), at")
            .map_or_else(|| inner.strip_suffix(b")").unwrap_or(inner).len(), |(class, _)| class.len());
        return Some(Class { class: &inner[..end], usage: None, wait_type: None, rest: &inner[end..] });
    };
    let end = memchr::memchr(b'}', tail).unwrap_or(tail.len());
    let (usage, mut rest) = (&tail[..end], tail.get(end + 1..).unwrap_or_default());
    let mut wait_type = None;
    if let Some(tail) = after(rest, "-{") {
        let end = memchr::memchr(b'}', tail).unwrap_or(tail.len());
        wait_type = Some(&tail[..end]);
        rest = tail.get(end + 1..).unwrap_or_default();
    }
    Some(Class { class, usage: Some(usage), wait_type, rest })
}

/// Adds a line to a list: a symbolized log repeats a lock's line once an inlined function, innermost first, the function
/// itself last.
pub(super) fn push(locks: &mut Vec<HeldLock>, mut lock: HeldLock) {
    // A list has each number once.
    let again = |last: &HeldLock| lock.number.is_some() && lock.address.is_some() && last.address == lock.address;
    if let Some(last) = locks.last_mut()
        && (last.number == lock.number || lock.number.is_none())
        && last.class == lock.class
        && (last.acquired_at.as_ref().is_some_and(|at| at.inline) || again(last))
    {
        if lock.acquired_at.is_none() {
            return;
        }
        let mut inlined = std::mem::take(&mut last.inlined);
        inlined.extend(last.acquired_at.take());
        lock.number = last.number;
        lock.inlined = inlined;
        lock.line = last.line;
        *last = lock;
        return;
    }
    locks.push(lock);
}

/// A lock of which nothing is known.
pub(super) fn empty() -> HeldLock {
    HeldLock {
        number: None,
        address: None,
        class: String::new(),
        subclass: None,
        usage: None,
        wait_type: None,
        acquired_at: None,
        inlined: Vec::new(),
        line: 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn brief(line: &str) -> String {
        let lock = lock(line.as_bytes(), 1).unwrap_or_else(|| panic!("{line}"));
        let at = lock.acquired_at.map(|at| at.function.unwrap_or_default()).unwrap_or_default();
        format!(
            "{} {} {} {} {at}",
            lock.address.unwrap_or_default(),
            lock.class,
            lock.usage.unwrap_or_default(),
            lock.wait_type.unwrap_or_default()
        )
    }

    #[test]
    fn lock_lines_of_all_ages_are_read() {
        for (line, want) in [
            (
                " #0: ff11000003337470 (&o->lock/1){+.+.}-{4:4}, at: fn+0x37/0x80 [mod]",
                "ff11000003337470 &o->lock/1 +.+. 4:4 fn",
            ),
            (" #1:  (&vq->mutex){+.+.+.}, at: [<ffffffff81234567>] fn+0x37/0x80", " &vq->mutex +.+.+.  fn"),
            (
                " #0:         (ptrval) (rtnl_mutex){+.+.}, at: rtnl_lock+0x17/0x20 net/core/rtnetlink.c:74",
                " rtnl_mutex +.+.  rtnl_lock",
            ),
            (
                " #0: ffff888010c69138 ((wq_completion)events_unbound){+.+.}-{0:0}, at: process_one_work+0x8c1/0x1b50",
                "ffff888010c69138 (wq_completion)events_unbound +.+. 0:0 process_one_work",
            ),
            (
                " #1: ffffc90000d27dd0 ((work_completion)(&(&x->w)->work)){+.+.}-{0:0}, at: process_one_work+0x8c1/0x1b50",
                "ffffc90000d27dd0 (work_completion)(&(&x->w)->work) +.+. 0:0 process_one_work",
            ),
            (" (fs_reclaim){+.+.}, at: fs_reclaim_acquire+0x0/0x30", " fs_reclaim +.+.  fs_reclaim_acquire"),
            (
                " #2: ffffffff8ff4a1a0 (rcu_read_lock){....}-{1:3}, at: lock_it include/linux/rcupdate.h:12 [inline]",
                "ffffffff8ff4a1a0 rcu_read_lock .... 1:3 lock_it",
            ),
        ] {
            assert_eq!(brief(line), want, "{line}");
        }
    }

    #[test]
    fn the_pid_is_after_the_last_slash() {
        for (line, comm, pid, announced) in [
            ("1 lock held by khungtaskd/31:", "khungtaskd", 31, 1),
            ("2 locks held by kworker/u8:0+events_unbound/12:", "kworker/u8:0+events_unbound", 12, 2),
            ("1 lock held by in:imklog/229:", "in:imklog", 229, 1),
            ("no locks held by init/1.", "init", 1, 0),
            ("3 locks held by my task/7 on cpu 1:", "my task", 7, 3),
        ] {
            let list = header(line.as_bytes(), 1).unwrap_or_else(|| panic!("{line}"));
            let task = list.task.unwrap_or_else(|| panic!("{line}"));
            assert_eq!((task.comm.as_str(), task.pid, list.announced), (comm, pid, Some(announced)));
        }
        assert!(header(b"2 locks were held", 1).is_none());
    }

    /// The list that such lines make.
    fn list(lines: &[&str]) -> Vec<HeldLock> {
        let mut locks = Vec::new();
        for line in lines {
            push(&mut locks, lock(line.as_bytes(), 1).unwrap_or_else(|| panic!("{line}")));
        }
        locks
    }

    #[test]
    fn the_copies_of_a_symbolized_line_are_one_lock() {
        let locks = list(&[
            " #0: ffff888010c69138 (x){+.+.}-{0:0}, at: set arch/x.h:34 [inline]",
            " #0: ffff888010c69138 (x){+.+.}-{0:0}, at: work_data kernel/workqueue.c:600 [inline]",
            " #0: ffff888010c69138 (x){+.+.}-{0:0}, at: process_one_work+0x8c1/0x1b50 kernel/workqueue.c:2289",
            " #1: ffff888010c69139 (y){+.+.}-{0:0}, at: foo+0x8c1/0x1b50 kernel/foo.c:1",
        ]);
        assert_eq!(locks.len(), 2);
        assert_eq!(locks[0].inlined.len(), 2);
        assert_eq!(locks[0].acquired_at.as_ref().and_then(|at| at.function.as_deref()), Some("process_one_work"));
    }

    #[test]
    fn a_number_that_is_repeated_is_one_lock() {
        let locks = list(&[
            " #3: ffff888010c69138 (x){+.+.}-{0:0}, at: lock_it (include/x.h:34)",
            " #3: ffff888010c69138 (x){+.+.}-{0:0}, at: widget_take (drivers/widget.c:9)",
            " #4: ffff888010c69138 (x){+.+.}-{0:0}, at: foo (kernel/foo.c:1)",
        ]);
        assert_eq!((locks.len(), locks[0].inlined.len()), (2, 1));
        assert_eq!(locks[0].acquired_at.as_ref().and_then(|at| at.function.as_deref()), Some("widget_take"));
    }

    proptest::proptest! {
        #[test]
        fn any_lock_line_is_read_without_panic(line in "[ #0-9a-f(){}:,&>.+at-]{0,80}") {
            let _ = lock(line.as_bytes(), 1);
            let _ = header(line.as_bytes(), 1);
        }
    }
}
