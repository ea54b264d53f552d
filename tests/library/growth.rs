//! Work grows with what a log lists and no faster: four times as much takes less than eight times as much work, where what is
//! quadratic takes sixteen times. What is allocated and copied is counted; searches that allocate nothing show in the processor
//! time of one thread alone, of which the least of several tries counts, so that neither the machine nor its load does.

use super::allocs::allocated;
use kanalyze::bisect;
use kanalyze::diff;
use kanalyze::engine::{Item, Options, lock_dumps, read_items, read_reports};
use kanalyze::intake::wholes_in;
use kanalyze::render::LogView;
use kanalyze::render::page::{LogPage, Share, log_page};
use kanalyze::thread::Mailbox;
use rustix::time::{ClockId, clock_gettime};
use std::fmt::Write as _;
use std::hint::black_box;

fn thread_time() -> f64 {
    let now = clock_gettime(ClockId::ThreadCPUTime);
    now.tv_sec as f64 + now.tv_nsec as f64 / 1e9
}

/// What is linear takes four times as much, with what begins and what doubles; what is quadratic takes sixteen times.
const MOST: f64 = 8.0;
/// So many tries are made at least, and so many at most: others may use the caches of this processor all the while.
const TRIES: std::ops::RangeInclusive<usize> = 3..=24;

/// Compares the work on so many units with that on four times as many: allocations and their bytes, which are the same each time,
/// and the least time of several tries, which are more where it seems too long.
#[track_caller]
fn grows_linearly(units: usize, text: impl Fn(usize) -> String, work: impl Fn(&[u8])) {
    let texts = [text(units), text(units * 4)];
    // What is made once, such as the grammar, is made before.
    work(texts[0].as_bytes());
    let [small, large] = texts.each_ref().map(|text| allocated(|| work(black_box(text.as_bytes()))));
    let rises = |small: usize, large: usize| large as f64 / small.max(1) as f64;
    let (count, bytes) = (rises(small.0, large.0), rises(small.1, large.1));
    assert!(count < MOST && bytes < MOST, "{count:.1} times the allocations, {bytes:.1} times the bytes: {large:?}");
    let mut least = [f64::INFINITY; 2];
    for at in 1..=*TRIES.end() {
        for (least, text) in least.iter_mut().zip(&texts) {
            let began = thread_time();
            work(black_box(text.as_bytes()));
            *least = least.min(thread_time() - began);
        }
        if TRIES.contains(&at) && least[1] < least[0] * MOST {
            return;
        }
    }
    panic!("{:.1} ms, four times as much {:.1} ms", least[0] * 1e3, least[1] * 1e3);
}

/// Reads the log and draws its graphs.
fn graph(text: &[u8]) {
    let options = Options { threads: 1, ..Options::named("log") }.with_events();
    black_box(lock_dumps("log", &read_items(options, text)));
}

/// The kernel's words on a task that is blocked in a call.
fn blocked(out: &mut String, pid: usize, call: &str) {
    let _ = write!(
        out,
        "[  143.000000] INFO: task t{pid}:{pid} blocked for more than 143 seconds.\n[  143.000000] task:t{pid} state:D stack:0 \
         pid:{pid} tgid:{pid} ppid:2 flags:0x00004000\n[  143.000000] Call Trace:\n[  143.000000]  <TASK>\n\
         [  143.000000]  __schedule+0x1/0x2\n[  143.000000]  {call}+0x1/0x2\n[  143.000000]  widget_wait+0x1/0x2\n\
         [  143.000000]  </TASK>\n"
    );
}

/// A row of the list of held locks, each lock by its address.
fn listed(out: &mut String, pid: usize, locks: &[usize]) {
    let _ = writeln!(out, "[  143.000000] {} locks held by t{pid}/{pid}:", locks.len());
    for (at, lock) in locks.iter().enumerate() {
        let _ = writeln!(
            out,
            "[  143.000000]  #{at}: ffff8880{lock:08x} (&widget->lock){{++++}}-{{4:4}}, at: widget_wait+0x1/0x2"
        );
    }
}

const LIST: &str = "[  143.000000] Showing all locks held in the system:\n";

#[test]
fn tasks_that_wait_in_a_circle() {
    let text = |count: usize| {
        let mut out = String::new();
        for pid in 1..=count {
            blocked(&mut out, pid, "__mutex_lock");
            let next = pid % count + 1;
            let _ = writeln!(
                out,
                "[  143.000000] INFO: task t{pid}:{pid} is blocked on a mutex likely owned by task t{next}:{next}."
            );
        }
        out + LIST
    };
    grows_linearly(150, text, graph);
}

#[test]
fn many_that_wait_for_a_lock_which_many_hold() {
    let text = |count: usize| {
        let mut out = String::new();
        for pid in 1..=count {
            blocked(&mut out, pid, "down_write");
        }
        out += LIST;
        for pid in 1..=count {
            listed(&mut out, pid, &[0x40]);
            listed(&mut out, pid + count, &[0x40, 0x1000 + 0x40 * pid]);
        }
        out
    };
    grows_linearly(150, text, graph);
}

#[test]
fn many_that_flush_what_many_workers_run() {
    let text = |count: usize| {
        let mut out = String::new();
        for pid in 1..=count {
            blocked(&mut out, pid, "__flush_work");
        }
        out += LIST;
        for pid in 1..=count {
            let worker = pid + count;
            let _ = write!(
                out,
                "[  143.000000] 2 locks held by kworker/0:{pid}/{worker}:\n[  143.000000]  #0: ffff8880{pid:08x} \
                 ((wq_completion)events){{+.+.}}-{{0:0}}, at: process_one_work+0x1/0x2\n[  143.000000]  #1: ffff8881{pid:08x} \
                 (&widget->lock){{+.+.}}-{{4:4}}, at: widget_work+0x1/0x2\n"
            );
        }
        out
    };
    grows_linearly(150, text, graph);
}

#[test]
fn trace_lines_between_lists() {
    let text = |count: usize| {
        let mut out = String::new();
        blocked(&mut out, 1, "__mutex_lock");
        out += LIST;
        for pid in 1..=count {
            let _ = writeln!(out, "[  143.000000] t{pid}-{pid} lock_trace: lock=ffff8880{pid:08x} action=acquired");
            listed(&mut out, pid, &[0x40 * pid]);
        }
        out
    };
    grows_linearly(300, text, graph);
}

#[test]
fn a_chain_of_lockdep() {
    let text = |count: usize| {
        let mut out = String::from(
            "[    1.0] ======================================================\n\
             [    1.0] WARNING: possible circular locking dependency detected\n[    1.0] 6.12.0 #1 Not tainted\n\
             [    1.0] ------------------------------------------------------\n[    1.0] a/1 is trying to acquire lock:\n\
             [    1.0] ffff888000000001 (l0){+.+.}-{3:3}, at: f+0x1/0x2\n[    1.0] \n\
             [    1.0] but task is already holding lock:\n[    1.0] ffff888000000002 (l1){+.+.}-{3:3}, at: g+0x1/0x2\n\
             [    1.0] \n[    1.0] which lock already depends on the new lock.\n[    1.0] \n\
             [    1.0] the existing dependency chain (in reverse order) is:\n",
        );
        for at in 0..count {
            let _ = write!(
                out,
                "[    1.0] \n[    1.0] -> #{} (l{at}){{+.+.}}-{{3:3}}:\n[    1.0]        f{at}+0x1/0x2\n",
                count - at
            );
        }
        out
    };
    grows_linearly(400, text, graph);
}

#[test]
fn lockdep_reports_and_lists_in_one_boot() {
    let text = |count: usize| {
        let mut out = String::new();
        for at in 0..count {
            let _ = write!(
                out,
                "[    1.{at:06}] ============================================\n\
                 [    1.{at:06}] WARNING: possible recursive locking detected\n[    1.{at:06}] 6.12.0 #1 Not tainted\n\
                 [    1.{at:06}] --------------------------------------------\n[    1.{at:06}] a/1 is trying to acquire lock:\n\
                 [    1.{at:06}] ffff888000000001 (l{at}){{+.+.}}-{{3:3}}, at: f+0x1/0x2\n\
                 [    1.{at:06}] but task is already holding lock:\n\
                 [    1.{at:06}] ffff888000000002 (l{at}){{+.+.}}-{{3:3}}, at: g+0x1/0x2\n"
            );
        }
        for at in 0..count {
            let time = 143 * (at + 1);
            let _ = writeln!(out, "[{time:5}.000000] INFO: task t1:1 blocked for more than 143 seconds.");
        }
        out
    };
    // What lies in one window of 128 KiB is looked at for each report in it: here are several windows.
    grows_linearly(300, text, graph);
}

#[test]
fn a_thread_of_mails() {
    let text = |count: usize| {
        let mut out = String::new();
        for at in 0..count {
            let _ = write!(
                out,
                "From mboxrd@z Thu Jan  1 00:00:00 1970\nFrom: A <a@example.org>\nSubject: Re: widget\n\
                 Message-ID: <{at}@example.org>\nIn-Reply-To: <{}@example.org>\nDate: Mon, 1 Jan 2024 10:00:00 +0000\n\n\
                 > it hangs\nIt does.\n\n",
                at.saturating_sub(1)
            );
        }
        out
    };
    grows_linearly(150, text, |text| {
        black_box(Mailbox::read("t.mbox", text, 1).threads(1));
    });
}

/// Reads the log and all that is in it.
fn reads(text: &[u8]) {
    let options = Options { threads: 1, ..Options::named("log") }.with_events();
    black_box(read_items(options, text));
}

#[test]
fn first_lines_of_reports_and_nothing_else() {
    // With so much between them that few share a window.
    let filler = format!("[    1.000000] usb 1-1: {}\n", "a hub with four ports ".repeat(60));
    let text = |count: usize| {
        let mut out = String::new();
        for at in 0..count {
            let _ = writeln!(out, "[    1.000000] BUG: KASAN: slab-out-of-bounds in widget_{at}+0x1/0x2");
            out += &filler;
        }
        out
    };
    grows_linearly(300, text, reads);
}

#[test]
fn nothing_but_ends_of_lines() {
    grows_linearly(100_000, |count| "\n".repeat(count), reads);
}

#[test]
fn lines_of_a_mail_that_all_go_on() {
    let head = "From: a@example.org\nSubject: oops\n\n";
    let mail = |line: &str, count: usize| head.to_owned() + &format!("{line}\n").repeat(count);
    let read = |text: &[u8]| drop(black_box(kanalyze::input::read_mail(text)));
    for line in ["[<ffffffff81000000>]", "RAX: 0000000000000000 RBX:", "widget_put (a/b.c:1 (discriminator 2)"] {
        grows_linearly(4_000, |count| mail(line, count), read);
    }
}

#[test]
fn one_line_without_an_end() {
    grows_linearly(200_000, |count| "A".repeat(count), reads);
    // Words at which searches stop.
    grows_linearly(2_000, |count| "BUG: KASAN: WARNING: ".repeat(count), reads);
}

#[test]
fn one_report_with_a_long_stack() {
    let text = |count: usize| {
        let mut out = String::from(
            "[    1.000000] BUG: KASAN: use-after-free in widget_put+0x1f/0x40\n[    1.000000] Call Trace:\n",
        );
        for at in 0..count {
            let _ = writeln!(out, "[    1.000000]  widget_{at}+0x1f/0x40 [widget]");
        }
        out
    };
    grows_linearly(500, text, reads);
}

/// A crash among plain lines, so many times.
fn crashes(count: usize) -> String {
    let mut out = String::new();
    for at in 0..count * 60 {
        let _ = match at % 60 {
            0 => writeln!(out, "[{at:5}.000000] BUG: KASAN: use-after-free in widget_{}+0x1f/0x40", at / 60),
            1 => writeln!(out, "[{at:5}.000000] Call Trace:"),
            2..12 => writeln!(out, "[{at:5}.000000]  widget_{at}+0x1f/0x40"),
            _ => writeln!(out, "[{at:5}.000000] usb 1-1: a hub with four ports was found in the usual place, {at}"),
        };
    }
    out
}

#[test]
fn a_page_of_a_log() {
    grows_linearly(40, crashes, |text| {
        let options = Options { threads: 1, kept: LogView::kept(true), ..Options::named("log") }.with_events();
        let pages = wholes_in("log", text.to_vec(), &options, |found| {
            let mut view = LogView::default();
            found.reports.iter().cloned().for_each(|report| view.take(Item::Closed(Box::new(report))));
            log_page(&LogPage {
                name: "log",
                view: &view,
                summary: &found.summary,
                dumps: &[],
                sources: &[],
                text: found.text,
                silence: None,
                share: Some(Share::All),
            })
        });
        assert!(pages.iter().all(|page| page.found.is_some()));
        black_box(pages);
    });
}

#[test]
fn a_folder_of_logs() {
    // As an archive gives them, one after the other.
    let text = crashes(1);
    grows_linearly(
        40,
        |count| "x".repeat(count),
        |names| {
            let options = Options { threads: 1, ..Options::named("log") }.with_events();
            for at in 0..names.len() {
                black_box(wholes_in(&format!("log-{at}"), text.clone().into_bytes(), &options, |found| {
                    found.reports.len()
                }));
            }
        },
    );
}

#[test]
fn a_bisection_of_many_steps() {
    let text = |count: usize| {
        let mut out = format!("git bisect start\n# bad: [{:040x}] widget: the last\ngit bisect bad {:040x}\n", 1, 1);
        let _ = write!(out, "# good: [{:040x}] widget: the first\ngit bisect good {:040x}\n", 2, 2);
        for at in 0..count {
            let verdict = ["good", "bad"][at % 2];
            let _ = write!(out, "# {verdict}: [{0:040x}] widget: step {at}\ngit bisect {verdict} {0:040x}\n", at + 16);
        }
        out
    };
    grows_linearly(400, text, |text| {
        black_box(bisect::read("log", text, &|bytes| read_reports("log", bytes)));
    });
}

#[test]
fn many_bisections_in_one_text() {
    let answers = |count: usize| (0..count).map(|at| format!("{at:040x} is the first bad commit\n")).collect();
    let starts = |count: usize| {
        (0..count).map(|at| format!("git bisect start\n# bad: [{at:040x}] x\ngit bisect bad {at:040x}\n")).collect()
    };
    let read = |text: &[u8]| drop(black_box(bisect::read("-", text, &|_| Vec::new())));
    grows_linearly(400, answers, read);
    grows_linearly(400, starts, read);
}

#[test]
fn a_comparison_of_logs_with_many_titles() {
    // Without a log: what is measured is the comparison.
    let run = |count: usize| diff::Run {
        crashes: (0..count)
            .map(|at| diff::Crash {
                title: format!("KASAN: use-after-free in widget_{at}"),
                alternatives: Vec::new(),
                time: Some(at as f64),
                line: at as u64,
                cause: diff::cause::Cause::default(),
            })
            .collect(),
        ..diff::Run::default()
    };
    grows_linearly(
        1_000,
        |count| "x".repeat(count),
        |names| {
            let group = |name: &str| diff::Group { name: name.to_owned(), runs: vec![run(names.len())] };
            black_box(diff::compare(&group("a"), &group("b")));
        },
    );
}
