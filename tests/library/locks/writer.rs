//! Writes hangs as the kernel prints them, and reads pictures back.

/// A task of a made-up hang.
#[derive(Debug, Clone)]
pub(crate) struct Sleeper {
    pub(crate) pid: i64,
    pub(crate) comm: String,
    /// Locks that it holds, by number.
    pub(crate) holds: Vec<usize>,
    /// The mutex that it waits for.
    pub(crate) wants: Option<usize>,
    /// Whether the watchdog reports it; others are in the lists only.
    pub(crate) hung: bool,
    /// Whether it was running when the lists were printed.
    pub(crate) running: bool,
}

pub(crate) fn sleeper(pid: i64, holds: &[usize], wants: Option<usize>) -> Sleeper {
    Sleeper { pid, comm: format!("task{pid}"), holds: holds.to_vec(), wants, hung: true, running: false }
}

/// The log of one pass of the watchdog, a line each.
pub(crate) fn pass(tasks: &[Sleeper], time: f64) -> Vec<String> {
    let mut lines = Vec::new();
    let mut say = |text: String| lines.push(format!("[{time:12.6}][   T31] {text}"));
    for task in tasks.iter().filter(|task| task.hung) {
        let (pid, comm) = (task.pid, &task.comm);
        say(format!("INFO: task {comm}:{pid} blocked for more than 143 seconds."));
        say("      Not tainted 6.12.1 #2".into());
        say("\"echo 0 > /proc/sys/kernel/hung_task_timeout_secs\" disables this message.".into());
        say(format!("task:{comm:<15} state:D stack:0     pid:{pid:<5} tgid:{pid:<5} ppid:2      flags:0x00004000"));
        say("Call Trace:".into());
        say(" <TASK>".into());
        say(" __schedule+0xb91/0x2c10".into());
        say(" ? lock_release+0x231/0x6c0".into());
        say(" schedule+0xec/0x320".into());
        match task.wants {
            Some(lock) => {
                say(" schedule_preempt_disabled+0x19/0x30".into());
                say(" __mutex_lock+0xaf5/0x15c0".into());
                say(format!(" take_{lock}_in_{pid}+0x21/0x40 [widget]"));
            }
            None => {
                say(" schedule_timeout+0x240/0x280".into());
                say(" __wait_for_common+0x3dc/0x640".into());
                say(format!(" idle_{pid}+0x1f/0x30 [widget]"));
            }
        }
        say(" kthread+0x2de/0x3c0".into());
        say(" ret_from_fork+0x31/0x70".into());
        say(" </TASK>".into());
    }
    say(String::new());
    say("Showing all locks held in the system:".into());
    say("1 lock held by khungtaskd/31:".into());
    say(" #0: ffffffffb2939f00 (rcu_read_lock){....}-{1:3}, at: debug_show_all_locks+0x75/0x3d0".into());
    for task in tasks {
        let listed: Vec<(usize, u32)> =
            task.holds.iter().map(|lock| (*lock, 0x13)).chain(task.wants.map(|lock| (lock, 0x21))).collect();
        if listed.is_empty() {
            continue;
        }
        let noun = if listed.len() == 1 { "lock" } else { "locks" };
        say(format!("{} {noun} held by {}/{}:", listed.len(), task.comm, task.pid));
        if task.running {
            continue;
        }
        for (number, (lock, offset)) in listed.iter().enumerate() {
            say(format!(
                " #{number}: ff1100000{lock:07x} (&w->lock{lock}){{+.+.}}-{{4:4}}, at: take_{lock}_in_{}+{offset:#x}/0x40 [widget]",
                task.pid
            ));
        }
    }
    say(String::new());
    say("=============================================".into());
    lines
}

pub(crate) fn log(lines: &[String]) -> String {
    let mut out = lines.join("\n");
    out.push('\n');
    out
}

/// The boxes of a picture: left, top, right, bottom.
pub(crate) fn boxes(svg: &str) -> Vec<[f64; 4]> {
    svg.lines()
        .filter(|line| line.contains("class=\"node\""))
        .map(|line| {
            let value = |name: &str| -> f64 {
                let at = line.find(&format!(" {name}=\"")).expect("a box has a place") + name.len() + 3;
                line[at..].split('"').next().expect("quoted").parse().expect("a number")
            };
            [value("x"), value("y"), value("x") + value("width"), value("y") + value("height")]
        })
        .collect()
}

pub(crate) fn assert_apart(svg: &str) {
    let found = boxes(svg);
    assert!(found.len() <= 60, "{} nodes", found.len());
    for (index, a) in found.iter().enumerate() {
        for b in &found[index + 1..] {
            let apart = a[2] <= b[0] || b[2] <= a[0] || a[3] <= b[1] || b[3] <= a[1];
            assert!(apart, "{a:?} overlaps {b:?}");
        }
    }
}
