//! Signals for faults of files, answered instead of died of: where a file is cut while it is mapped (SIGBUS) zeros stand and the
//! map knows it; a file that may not grow (SIGXFSZ) is an error of the write.

use std::sync::Once;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

/// So many maps at once are guarded; further files are read.
const MOST: usize = 512;

/// The addresses of one map. The handler of the signal reads them: nothing here is ever locked.
#[derive(Debug)]
struct Slot {
    taken: AtomicBool,
    /// Zero while nothing is mapped.
    start: AtomicUsize,
    end: AtomicUsize,
    cut: AtomicBool,
}

static SLOTS: [Slot; MOST] = [const {
    Slot {
        taken: AtomicBool::new(false),
        start: AtomicUsize::new(0),
        end: AtomicUsize::new(0),
        cut: AtomicBool::new(false),
    }
}; MOST];

/// The size of a page, bytes.
static PAGE: AtomicUsize = AtomicUsize::new(4096);

/// Guards the addresses of one map for as long as it lives; it must go before the map does.
#[derive(Debug)]
pub(super) struct Guard(&'static Slot);

impl Guard {
    /// Guards the addresses; nothing if too many maps are guarded already.
    pub(super) fn of(bytes: &[u8]) -> Option<Self> {
        let free = |slot: &&Slot| slot.taken.compare_exchange(false, true, Ordering::AcqRel, Ordering::Relaxed).is_ok();
        let slot = SLOTS.iter().find(free)?;
        slot.cut.store(false, Ordering::Relaxed);
        let range = bytes.as_ptr_range();
        slot.end.store(range.end as usize, Ordering::Release);
        slot.start.store(range.start as usize, Ordering::Release);
        Some(Self(slot))
    }

    /// Whether bytes that were asked for were gone.
    pub(super) fn is_cut(&self) -> bool {
        self.0.cut.load(Ordering::Acquire)
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        self.0.start.store(0, Ordering::Release);
        self.0.taken.store(false, Ordering::Release);
    }
}

/// From now on neither a file that is cut while it is mapped ends this process nor one that reaches the limit of its size. For the
/// program: a library does not decide what a signal does.
pub fn outlive_faults() {
    static ONCE: Once = Once::new();
    ONCE.call_once(install);
}

#[expect(unsafe_code, reason = "handlers of signals: no safe interface lets one repair the memory and go on")]
fn install() {
    // SAFETY: each `action` is plain data and initialised as sigaction(2) wants it; `answer` and `pass` have the signatures that
    // the flags say and do only what a handler may: atomic loads and stores, mmap(2), sigaction(2).
    unsafe {
        // Not rustix, which reads the auxiliary vector itself and dies of the one that valgrind gives.
        if let Ok(size @ 1..) = usize::try_from(libc::sysconf(libc::_SC_PAGESIZE)) {
            PAGE.store(size, Ordering::Relaxed);
        }
        let mut action: libc::sigaction = std::mem::zeroed();
        action.sa_sigaction = answer as extern "C" fn(libc::c_int, *mut libc::siginfo_t, *mut libc::c_void) as usize;
        action.sa_flags = libc::SA_SIGINFO | libc::SA_ONSTACK;
        libc::sigaction(libc::SIGBUS, &raw const action, std::ptr::null_mut());
        // Not ignored, which the programs that are started would inherit.
        action.sa_sigaction = pass as extern "C" fn(libc::c_int) as usize;
        action.sa_flags = libc::SA_RESTART | libc::SA_ONSTACK;
        libc::sigaction(libc::SIGXFSZ, &raw const action, std::ptr::null_mut());
    }
}

/// Lets the write fail that was too much.
extern "C" fn pass(_: libc::c_int) {}

/// Puts zeros where a guarded map has lost its bytes; every other SIGBUS ends the process, as it would have without this.
#[expect(unsafe_code, reason = "a handler of SIGBUS: no safe interface lets one repair the memory and go on")]
extern "C" fn answer(signal: libc::c_int, info: *mut libc::siginfo_t, _: *mut libc::c_void) {
    // SAFETY: with SA_SIGINFO the system gives a valid siginfo_t. Its address is one only where the system itself sends the signal,
    // for an access that this thread made; else the place holds who sent it.
    let (address, is_sent) = unsafe { ((*info).si_addr() as usize, (*info).si_code <= 0) };
    for slot in SLOTS.iter().filter(|_| !is_sent) {
        let (start, end) = (slot.start.load(Ordering::Acquire), slot.end.load(Ordering::Acquire));
        // Another thread may give the slot to another map between the two loads. Whoever saw the new end sees that the old start is
        // gone: it was taken back before.
        if start == 0 || !(start..end).contains(&address) || slot.start.load(Ordering::Acquire) != start {
            continue;
        }
        let page = address & !(PAGE.load(Ordering::Relaxed) - 1);
        // SAFETY: `start` and `end` are of one map, and this thread is reading it at `address`, so that it is still there: `page..end`
        // lies within a mapping that its `Map` owns and that is only ever read; the new pages have the same protection, and the `Map`
        // unmaps them with its own.
        let place = unsafe {
            libc::mmap(
                page as *mut libc::c_void,
                end - page,
                libc::PROT_READ,
                libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_FIXED,
                -1,
                0,
            )
        };
        if place != libc::MAP_FAILED {
            slot.cut.store(true, Ordering::Release);
            return;
        }
    }
    // SAFETY: as in `install`. The instruction that failed fails again when this returns, and then ends the process; one that was
    // sent is sent once more, which raise(3) may do in a handler: it waits until this returns.
    unsafe {
        let mut default: libc::sigaction = std::mem::zeroed();
        default.sa_sigaction = libc::SIG_DFL;
        libc::sigaction(signal, &raw const default, std::ptr::null_mut());
        if is_sent {
            libc::raise(signal);
        }
    }
}
