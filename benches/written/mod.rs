//! Logs that the benches write: ordinary lines, reports, hangs, and a user's kinds, as many as asked for.

/// One ordinary line by its number; none of them is a crash, every fortieth an event.
fn ordinary(number: usize) -> String {
    let text = match number % 40 {
        3 => format!("usb 1-{}: new high-speed USB device number {number} using xhci_hcd", number % 8),
        9 => format!("systemd[1]: Started unit-{number}.service - Unit {number}."),
        17 => format!(
            "audit: type=1400 audit(1700000000.{:03}:{number}): apparmor=\"STATUS\" pid={number}",
            number % 1000
        ),
        26 => format!(
            "widgetd[{}]: segfault at {number:x} ip 00005555deadbeef sp 00007ffc0000{:04x} error 4",
            300 + number % 99,
            number % 65536
        ),
        31 => format!("pci 0000:00:{:02x}.0: BAR 0 [mem 0xfebd{:04x}-0xfebdffff]", number % 32, number % 65536),
        _ => format!("eth0: renamed from veth{number:x}, queue {} of {} is up", number % 16, number % 64),
    };
    line(number, &text)
}

/// A line as the console prints it.
fn line(number: usize, text: &str) -> String {
    said(number, number % 5000, text)
}

/// A line of one task.
fn said(number: usize, task: usize, text: &str) -> String {
    format!("[{:5}.{:06}][{:>6}] {text}\n", number / 1000, number % 1000 * 1000, format!("T{task}"))
}

/// Ordinary lines, about so many bytes.
pub(crate) fn boring(bytes: usize) -> Vec<u8> {
    let mut text = Vec::with_capacity(bytes + 256);
    let mut number = 0;
    while text.len() < bytes {
        text.extend(ordinary(number).into_bytes());
        number += 1;
    }
    text
}

/// A report of KASAN by its number.
pub(crate) fn report(number: usize) -> String {
    let frames: String =
        ["dump_stack_lvl", "print_report", "kasan_report", "widget_ring_take", "widget_poll", "widget_ioctl"]
            .iter()
            .map(|name| line(number, &format!(" {name}+0x1{:x}/0x400", number % 256)))
            .collect();
    [
        line(number, "=================================================================="),
        line(number, &format!("BUG: KASAN: slab-use-after-free in widget_ring_take+0x1{:x}/0x400", number % 256)),
        line(number, &format!("Read of size 8 at addr ffff8881{number:08x} by task widgetd/{}", number % 5000)),
        line(number, ""),
        line(number, "CPU: 1 UID: 0 PID: 77 Comm: widgetd Not tainted 6.14.0-rc2 #12"),
        line(number, "Hardware name: QEMU Standard PC (Q35 + ICH9, 2009)"),
        line(number, "Call Trace:"),
        line(number, " <TASK>"),
        frames,
        line(number, " </TASK>"),
        line(number, "=================================================================="),
    ]
    .concat()
}

/// So many reports, each with as many ordinary lines before it.
pub(crate) fn reports(count: usize, between: usize) -> Vec<u8> {
    let one =
        |at: usize| (0..between).map(move |row| ordinary(at * between + row)).chain([report(at)]).collect::<String>();
    (0..count).map(one).collect::<String>().into_bytes()
}

/// Hung tasks that wait for each other's locks, two by two.
pub(crate) fn hangs(count: usize) -> Vec<u8> {
    let mut text = String::new();
    // The task that watches the others says all of it.
    let line = |number: usize, text: &str| said(number, 31, text);
    for at in 0..count {
        let pid = 1000 + at;
        text += &line(at, &format!("INFO: task worker{at}:{pid} blocked for more than 143 seconds."));
        text += &line(at, "      Not tainted 6.14.0-rc2 #12");
        text += &line(at, "\"echo 0 > /proc/sys/kernel/hung_task_timeout_secs\" disables this message.");
        text += &line(
            at,
            &format!(
                "task:worker{at} state:D stack:0 pid:{pid} tgid:{pid} ppid:2 task_flags:0x208040 flags:0x00004000"
            ),
        );
        text += &line(at, "Call Trace:");
        for name in [
            "__schedule",
            "schedule",
            "schedule_preempt_disabled",
            "__mutex_lock",
            "widget_flush",
            "widget_thread",
            "kthread",
        ] {
            text += &line(at, &format!(" {name}+0x10/0x200"));
        }
    }
    text += &line(count, "");
    text += &line(count, "Showing all locks held in the system:");
    for at in 0..count {
        let pid = 1000 + at;
        text += &line(count, &format!("1 lock held by worker{at}/{pid}:"));
        text += &line(
            count,
            &format!(" #0: ffff8881{:08x} (&widget->lock){{+.+.}}-{{4:4}}, at: widget_flush+0x10/0x200", at / 2 * 64),
        );
    }
    text.into_bytes()
}

/// A grammar file with so many events.
pub(crate) fn kinds(count: usize) -> String {
    let one = |at: usize| {
        format!(
            "[[event]]\nid = 'own-{at}'\ntrigger = 'drv{at}: ring'\npattern = 'drv{at}: ring (?P<ring>[0-9]+) stuck'\n\
             title = 'ring stuck'\nsamples = [{{ log = '[    1.000000] drv{at}: ring 3 stuck', title = 'ring stuck' }}]\n"
        )
    };
    (0..count).map(one).collect()
}

/// A transcript of `git bisect` over so many commits.
pub(crate) fn bisection(commits: usize) -> Vec<u8> {
    let commit = |at: usize| format!("{:040x}", 0x1234_5678_9abc_def0_u64.wrapping_mul(at as u64 + 1));
    let mut text = String::from("git bisect start\n");
    for at in 0..commits {
        let word = if at % 2 == 0 { "bad" } else { "good" };
        text += &format!("# {word}: [{0}] widget: change {at}\ngit bisect {word} {0}\n", commit(at));
    }
    text += &format!("# first bad commit: [{}] widget: change {}\n", commit(commits - 1), commits - 1);
    text.into_bytes()
}
