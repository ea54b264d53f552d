//! Pages in a real browser: links, filters, keys, no complaint, no request, accessible, and nothing of a log is markup.

#![expect(clippy::print_stderr, clippy::print_stdout, reason = "tests print what they skip and what they measured")]

mod driver;
#[path = "../library/locks/writer.rs"]
mod writer;

use driver::Browser;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

/// One test's folder.
struct Scene {
    folder: tempfile::TempDir,
}

impl Scene {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().expect("a temporary folder") }
    }

    fn log(&self, name: &str, text: &str) -> PathBuf {
        let path = self.folder.path().join(name);
        std::fs::write(&path, text).expect("written");
        path
    }

    /// `kanalyze page` with these arguments.
    fn page(&self, name: &str, arguments: &[&str]) -> PathBuf {
        let path = self.folder.path().join(name);
        let mut command = Command::new(env!("CARGO_BIN_EXE_kanalyze"));
        command.current_dir(env!("CARGO_MANIFEST_DIR")).arg("page").args(arguments).arg("-o").arg(&path);
        let done = command.output().expect("it runs");
        assert!(done.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&done.stderr));
        path
    }
}

/// The page asks for nothing but itself, and the browser has nothing to say of it.
fn assert_quiet(browser: &Browser, path: &Path) {
    assert_eq!(browser.complaints(), Vec::<String>::new(), "{}", path.display());
    let own = format!("file://{}", path.display());
    let others: Vec<String> =
        browser.requests().into_iter().filter(|url| url.split('#').next() != Some(&own)).collect();
    assert_eq!(others, Vec::<String>::new(), "{}", path.display());
}

/// Nothing serious stands in the way of people who read otherwise.
fn assert_accessible(browser: &Browser, name: &str) {
    if let Some(found) = browser.inaccessible() {
        assert_eq!(found, Vec::<String>::new(), "{name}");
    }
}

/// Nothing is wider than the window but what scrolls by itself.
fn assert_fits(browser: &Browser, name: &str) {
    let over = browser.run("return document.documentElement.scrollWidth - document.documentElement.clientWidth");
    assert!(over.as_i64().is_some_and(|over| over <= 0), "{name}: {over} pixels too wide");
}

/// A hang of 43 tasks: three chains that end at one root, crowds at two locks.
fn crowd() -> String {
    let mut tasks = vec![writer::sleeper(100, &[0], None), writer::sleeper(101, &[1], Some(0))];
    tasks.push(writer::sleeper(102, &[2], Some(1)));
    tasks.extend((103..123).map(|pid| writer::sleeper(pid, &[], Some(0))));
    tasks.extend((123..139).map(|pid| writer::sleeper(pid, &[], Some(1))));
    tasks.extend((139..143).map(|pid| writer::sleeper(pid, &[], Some(2))));
    writer::log(&writer::pass(&tasks, 200.0))
}

#[test]
fn every_line_that_a_page_speaks_of_is_a_link_that_leads_there() {
    let Some(browser) = Browser::open(1280, 900) else { return };
    let scene = Scene::new();
    let hang = scene.log("hang.log", &crowd());
    let hang = hang.display().to_string();
    for (name, log) in [
        ("hang", hang.as_str()),
        ("cycle", "corpus/lab/logs/hang_cycle3.log"),
        ("kasan", "corpus/lab/logs/memory_read_freed.log"),
        ("order", "corpus/lab/logs/order_circle3.log"),
    ] {
        let path = scene.page(&format!("{name}.html"), &[log]);
        browser.load(&path);
        // Each link in turn: the line is marked, seen, and has the text of the log.
        let wrong = browser.run(
            "const wrong = [];
            const links = [...new Set([...document.querySelectorAll('a[href^=\"#L\"]')].map((a) => a.getAttribute('href')))];
            for (const href of links) {
                const number = Number(href.slice(2));
                window.log.go(number);
                const row = document.querySelector('#lines .row.marked');
                const box = row && row.getBoundingClientRect();
                const frame = document.querySelector('#lines').getBoundingClientRect();
                if (!row || row.querySelector('.no').textContent !== String(number) || box.top < frame.top - 1 || box.bottom > frame.bottom + 1)
                    wrong.push(href);
            }
            for (const a of document.querySelectorAll('a[href^=\"#\"]')) {
                const id = a.getAttribute('href').slice(1);
                if (!/^L\\d+$/.test(id) && !document.getElementById(id)) wrong.push('#' + id);
            }
            return [links.length, wrong]",
        );
        assert!(wrong[0].as_u64().is_some_and(|count| count > 20), "{name}: {wrong}");
        assert_eq!(wrong[1], serde_json::json!([]), "{name}");
        browser.click("a.ln");
        browser.until("document.querySelector('#lines .row.marked')");
        assert_quiet(&browser, &path);
    }
}

#[test]
fn pages_read_well_on_any_screen_and_without_a_screen() {
    let Some(browser) = Browser::open(1280, 900) else { return };
    let scene = Scene::new();
    let hang = scene.log("hang.log", &crowd());
    let hang = hang.display().to_string();
    let many = scene.log("many.log", &overview()).display().to_string();
    for (name, arguments) in [
        ("hang-of-40", vec![hang.as_str()]),
        ("cycle-of-3", vec!["corpus/lab/logs/hang_cycle3.log"]),
        ("kasan", vec!["corpus/lab/logs/memory_read_freed.log"]),
        ("lockdep", vec!["corpus/lab/logs/order_circle3.log"]),
        ("overview-of-300", vec![many.as_str()]),
        ("bisection-with-drift", vec!["corpus/bisect/cause-2019/hang-becomes-deadlock.txt"]),
        ("flaky-diff", vec!["corpus/lab/logs/flaky*.log", "corpus/lab/logs/clean*.log"]),
        ("titles-over-logs", vec!["corpus/lab/logs"]),
    ] {
        let path = scene.page(&format!("{name}.html"), &arguments);
        let bytes = std::fs::metadata(&path).expect("written").len();
        let log =
            std::fs::metadata(Path::new(env!("CARGO_MANIFEST_DIR")).join(arguments[0])).map_or(0, |meta| meta.len());
        assert!(bytes < 200_000 + log, "{name}: {bytes} bytes with a log of {log}");
        browser.size(1280, 900);
        browser.media("screen", "light");
        browser.load(&path);
        assert_fits(&browser, name);
        assert_accessible(&browser, name);
        browser.picture(name);
        browser.media("screen", "dark");
        assert_accessible(&browser, &format!("{name}, dark"));
        browser.picture(&format!("{name}-dark"));
        browser.media("screen", "light");
        for (width, height) in [(320, 640), (3840, 2160)] {
            browser.size(width, height);
            browser.load(&path);
            assert_fits(&browser, &format!("{name} at {width}"));
            browser.picture(&format!("{name}-{width}"));
        }
        browser.size(1000, 1400);
        browser.media("print", "light");
        browser.picture(&format!("{name}-print"));
        assert_quiet(&browser, &path);
    }
}

#[test]
fn filters_folds_copies_and_keys_do_what_they_say() {
    let Some(browser) = Browser::open(1280, 900) else { return };
    let scene = Scene::new();
    let path = scene.page("page.html", &["corpus/lab/logs/hang_cycle2_lockdep.log"]);
    browser.load(&path);
    let count = |selector: &str| browser.run(&format!("return document.querySelectorAll('{selector}').length"));
    assert_eq!(count(".card"), 2);
    // Keys: two cards down, one up, folded; the search, the log.
    browser.press("jj");
    assert_eq!(browser.run("return document.querySelector('.card.current').id"), "card-1");
    browser.press("k");
    assert_eq!(browser.run("return document.querySelector('.card.current').id"), "card-0");
    browser.press("o");
    assert_eq!(browser.run("return document.querySelector('#card-0').open"), false);
    browser.press("/");
    assert_eq!(browser.run("return document.activeElement.id"), "words");
    // Words leave the cards and the lines that have them.
    browser.press("back_then_front");
    browser.until("/^\\d+ lines$/.test(document.querySelector('#matches').textContent)");
    let all =
        std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus/lab/logs/hang_cycle2_lockdep.log"));
    let matching = all.expect("read").lines().filter(|line| line.contains("back_then_front")).count();
    assert_eq!(browser.run("return document.querySelector('#matches').textContent"), format!("{matching} lines"));
    assert!(
        browser.run("return document.querySelectorAll('#lines mark').length").as_u64().is_some_and(|marks| marks > 0)
    );
    browser.click("#clear");
    browser.until("document.querySelector('#matches').textContent === ''");
    // Severity: the deadlock that lockdep predicts is an error, the hang is worse.
    browser.run(
        "const field = document.querySelector('#severity'); field.value = '2'; field.dispatchEvent(new Event('input', {bubbles: true}))",
    );
    browser.until("document.querySelector('#card-0').hidden && !document.querySelector('#card-1').hidden");
    browser.click("#clear");
    browser.run(
        "const field = document.querySelector('#caller'); field.value = 'T61'; field.dispatchEvent(new Event('input', {bubbles: true}))",
    );
    browser.until("!document.querySelector('#card-0').hidden && document.querySelector('#card-1').hidden");
    browser.until("/ lines$/.test(document.querySelector('#matches').textContent)");
    // A link to a line that the filter hides clears it.
    browser.run("window.log.go(1)");
    browser.until("document.querySelector('#lines .row.marked')");
    // Copies, as the clipboard has them.
    browser.devtools(
        "Browser.grantPermissions",
        serde_json::json!({"permissions": ["clipboardReadWrite", "clipboardSanitizedWrite"]}),
    );
    browser.run("document.querySelector('#card-0').open = true");
    browser.click("#card-0 button[data-copy-stack]");
    browser.until("document.querySelector('#told').textContent === 'copied'");
    let copied = browser.wait_for("navigator.clipboard.readText().then(arguments[arguments.length - 1])");
    let copied = copied.as_str().expect("text");
    assert!(copied.starts_with("possible deadlock in back_then_front\n\nCall Trace:\n <TASK>\n "), "{copied}");
    assert!(copied.contains("\n back_then_front+0x2b/0x50 [lab_hang]\n"), "{copied}");
    browser.click("#card-0 button[data-copy]");
    browser.until("document.querySelector('#told').textContent === 'copied'");
    let copied = browser.wait_for("navigator.clipboard.readText().then(arguments[arguments.length - 1])");
    assert_eq!(copied, "possible deadlock in back_then_front");
    assert_quiet(&browser, &path);
}

#[test]
fn a_box_of_the_wait_graph_shows_its_way_to_the_root_and_leads_to_its_task() {
    let Some(browser) = Browser::open(1280, 900) else { return };
    let scene = Scene::new();
    let log = scene.log("hang.log", &crowd());
    let path = scene.page("page.html", &[&log.display().to_string()]);
    browser.load(&path);
    browser.run(
        "[...document.querySelectorAll('svg.k .n')].find((box) => box.dataset.pids === '102').dispatchEvent(new Event('mouseenter'))",
    );
    let bright = browser.run(
        "return [...document.querySelectorAll('svg.k .n[data-pids]:not(.dim)')].map((box) => box.dataset.pids).filter(Boolean)",
    );
    let bright: Vec<&str> = bright.as_array().expect("boxes").iter().filter_map(|pids| pids.as_str()).collect();
    assert!(["100", "101", "102"].iter().all(|pid| bright.contains(pid)), "{bright:?}");
    // A crowd of twenty is folded; a click opens the picture that has all of it.
    assert_eq!(browser.run("return document.querySelector('.opened').open"), false);
    browser
        .run("document.querySelector('.graph svg.k .crowd').dispatchEvent(new MouseEvent('click', {bubbles: true}))");
    assert_eq!(browser.run("return document.querySelector('.opened').open"), true);
    assert_eq!(browser.run("return document.querySelectorAll('.opened svg.k .chip').length"), 40);
    // A task is a link to what is said about it.
    browser.run("document.querySelector('svg.k .n[data-pids=\"101\"] a').dispatchEvent(new MouseEvent('click', {bubbles: true}))");
    browser.until("location.hash.endsWith('task-101') && document.getElementById(location.hash.slice(1)).open");
    assert_quiet(&browser, &path);
    // The same picture in a file of its own: no box over another, and an image with a name to those who do not see it.
    let drawn =
        Command::new(env!("CARGO_BIN_EXE_kanalyze")).args(["locks", "--svg"]).arg(&log).output().expect("it runs");
    let svg = String::from_utf8(drawn.stdout).expect("UTF-8");
    writer::assert_apart(&svg);
    let order = Command::new(env!("CARGO_BIN_EXE_kanalyze"))
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .args(["locks", "--svg", "corpus/lab/logs/order_circle3.log"])
        .output()
        .expect("it runs");
    let order = String::from_utf8(order.stdout).expect("UTF-8");
    assert!(order.contains("alpha") && order.contains("gamma_closes_circle"), "{order}");
    writer::assert_apart(&order);
    let alone = scene.log("alone.svg", &svg);
    browser.load(&alone);
    assert_eq!(
        browser
            .run("return [document.documentElement.getAttribute('role'), document.querySelectorAll('.chip').length]"),
        serde_json::json!(["img", 40])
    );
    assert!(
        browser
            .run("return document.querySelector('title').textContent")
            .as_str()
            .is_some_and(|name| name.starts_with("Who waits for whom"))
    );
}

/// 300 warnings of 30 places, and an oops.
fn overview() -> String {
    let mut log = String::from("[    0.000000][    T0] Linux version 6.12.0 (a@b)\n");
    for number in 0..300 {
        let place = number * 7 % 30;
        let time = 3.0 + f64::from(number) * 1.7;
        let mut say = |text: &str| {
            let _ = writeln!(log, "[{time:12.6}][{:>6}] {text}", format!("T{}", 100 + place));
        };
        say("------------[ cut here ]------------");
        say(&format!(
            "WARNING: CPU: {} PID: {} at drivers/widget/part{place}.c:{} part{place}_check+0x1{place}/0x200",
            number % 4,
            100 + place,
            40 + place
        ));
        say("Modules linked in:");
        say(&format!("CPU: {} UID: 0 PID: {} Comm: worker{place} Not tainted 6.12.0 #1", number % 4, 100 + place));
        say(&format!("RIP: 0010:part{place}_check+0x1{place}/0x200"));
        say("Call Trace:");
        say(" <TASK>");
        say(&format!(" part{place}_poll+0x33/0x90"));
        say(" widget_thread+0x1f0/0x2a0");
        say(" kthread+0x2de/0x3c0");
        say(" ret_from_fork+0x31/0x70");
        say(" </TASK>");
        say("---[ end trace 0000000000000000 ]---");
    }
    log
}

#[test]
fn the_page_of_a_run_follows_it_and_the_index_leads_there() {
    let Some(browser) = Browser::open(1280, 900) else { return };
    let scene = Scene::new();
    let runs = scene.folder.path().join("runs");
    let mut run = Command::new(env!("CARGO_BIN_EXE_kanalyze"))
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .args(["run", "--replay", "corpus/lab/logs/hang_crowd.log", "--speed", "2", "--tag", "demo", "--runs"])
        .arg(&runs)
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::null())
        .spawn()
        .expect("it runs");
    // Its page is there before anything was hit.
    let begun = Instant::now();
    let page = loop {
        let found = std::fs::read_dir(&runs).ok().and_then(|mut folders| folders.next()).and_then(Result::ok);
        if let Some(page) = found.map(|folder| folder.path().join("page.html")).filter(|page| page.is_file()) {
            break page;
        }
        assert!(begun.elapsed() < Duration::from_secs(30), "no page");
        std::thread::yield_now();
    };
    browser.load(&page);
    assert!(browser.run("return document.querySelector('#fresh') !== null").as_bool().expect("true or false"));
    browser.picture("live-before");
    assert_accessible(&browser, "a run that lives");
    // It comes again by itself, without a hand.
    browser.run("window.old = true");
    browser.until("!window.old");
    // When the run is over, the page does not come again, and has the log.
    assert!(run.wait().expect("waited").code() == Some(1));
    browser.load(&page);
    assert_eq!(
        browser.run("return [document.querySelector('#fresh'), document.querySelectorAll('.card').length]"),
        serde_json::json!([null, 1])
    );
    let words = browser.run("return document.body.textContent");
    let words = words.as_str().expect("text");
    assert!(words.contains("2 hits, 10 reports") && words.contains("INFO: task hung in diamond_top"), "{words}");
    assert_accessible(&browser, "a run that is over");
    assert_fits(&browser, "a run that is over");
    browser.picture("live-after");
    assert_quiet(&browser, &page);
    let done = Command::new(env!("CARGO_BIN_EXE_kanalyze")).args(["runs", "page", "--runs"]).arg(&runs).status();
    assert!(done.expect("it runs").success());
    browser.load(&runs.join("index.html"));
    browser.click("table a");
    browser.until("document.querySelectorAll('.card').length === 1 && location.pathname.endsWith('page.html')");
}

/// A log that tries to be markup wherever it can.
fn hostile() -> String {
    let evil = "<img src=x onerror=alert(1)>\"'`</script></pre></style>&lt;\u{202e}\u{1b}[31m";
    let mut log = String::from("[    0.000000][    T0] Linux version 6.1.0-<script>alert(1)</script> (a@b)\n");
    let mut say = |time: f64, text: &str| {
        let _ = writeln!(log, "[{time:12.6}][   T31] {text}");
    };
    say(1.0, &format!("WARNING: CPU: 0 PID: 31 at <b>/x.c:12 {evil}+0x1/0x2"));
    say(1.1, &format!("Modules linked in: {evil}"));
    say(
        1.2,
        &format!("CPU: 0 UID: 0 PID: 31 Comm: {evil} Tainted: G        W          6.1.0-<script>alert(1)</script> #1"),
    );
    say(1.3, &format!("Hardware name: {evil}"));
    say(1.4, &format!("RIP: 0010:{evil}+0x10/0x20"));
    say(1.5, "Call Trace:");
    say(1.6, &format!(" f<i>{evil}+0x10/0x20 [m<b>od]"));
    say(1.7, "---[ end trace 0000000000000000 ]---");
    for line in writer::pass(&[writer::sleeper(58, &[1], None), writer::sleeper(59, &[], Some(1))], 20.0) {
        log.push_str(&line.replace("task58", "<u>\"&").replace("&w->lock", "<s>'lock"));
        log.push('\n');
    }
    let _ = writeln!(log, "[   30.000000][   T31] {}{evil}", "x".repeat(3_000_000));
    log
}

#[test]
fn a_hostile_log_is_text_everywhere() {
    let Some(browser) = Browser::open(1280, 900) else { return };
    let scene = Scene::new();
    let log = scene.log("<img src=x onerror=alert(2)>.log", &hostile());
    let path = scene.page("page.html", &[&log.display().to_string()]);
    for script in [true, false] {
        browser.devtools("Emulation.setScriptExecutionDisabled", serde_json::json!({"value": !script}));
        browser.load(&path);
        browser.devtools("Emulation.setScriptExecutionDisabled", serde_json::json!({"value": false}));
        let foreign = browser.run(
            "return [document.querySelectorAll('img,b,u,s,i,iframe,object').length, document.scripts.length,
                document.querySelectorAll('style').length, [...document.querySelectorAll('*')].filter((part) =>
                [...part.attributes].some((one) => one.name.startsWith('on'))).length]",
        );
        assert_eq!(foreign, serde_json::json!([0, 1, 1, 0]), "script: {script}");
        let turned =
            browser.run("return /[\\u202a-\\u202e\\u2066-\\u2069\\u001b]/.test(document.documentElement.outerHTML)");
        assert_eq!(turned, false);
        browser.run("document.querySelectorAll('details').forEach((part) => { part.open = true; })");
        assert_fits(&browser, "hostile");
    }
    assert_quiet(&browser, &path);
}

#[test]
fn a_page_can_be_read_without_its_script() {
    let Some(browser) = Browser::open(1280, 900) else { return };
    let scene = Scene::new();
    let path = scene.page("page.html", &["corpus/lab/logs/hang_cycle3.log"]);
    browser.devtools("Emulation.setScriptExecutionDisabled", serde_json::json!({"value": true}));
    browser.load(&path);
    browser.devtools("Emulation.setScriptExecutionDisabled", serde_json::json!({"value": false}));
    let seen = browser.run(
        "const lines = [...document.querySelectorAll('a[href^=\"#L\"]')].map((a) => a.getAttribute('href').slice(1));
        return [lines.length > 20, lines.filter((id) => !document.getElementById(id)), document.querySelector('#plain pre').textContent.length,
            document.querySelectorAll('[data-needs-script]:not([hidden])').length]",
    );
    assert_eq!((&seen[0], &seen[1], &seen[3]), (&true.into(), &serde_json::json!([]), &0.into()));
    assert!(seen[2].as_u64().is_some_and(|length| length > 20_000), "{seen}");
}

#[test]
fn a_log_of_50_megabytes_opens_at_once_and_scrolls() {
    let Some(browser) = Browser::open(1280, 900) else { return };
    let scene = Scene::new();
    let mut log = crowd();
    let mut number = 0_u32;
    while log.len() < 50_000_000 {
        number += 1;
        let _ = writeln!(
            log,
            "[{:12.6}][T{:5}] widget 1-1: the queue was looked at and nothing was due, try {number}",
            300.0 + f64::from(number) / 100.0,
            number % 900
        );
    }
    let lines = log.lines().count();
    let name = scene.log("long.log", &log);
    let path = scene.page("long.html", &["--log", "all", &name.display().to_string()]);
    let size = std::fs::metadata(&path).expect("written").len() as usize;
    assert!(size < log.len() + 300_000, "{size}");
    let begun = Instant::now();
    browser.load(&path);
    browser.until("window.log && document.querySelectorAll('#lines .row').length > 10");
    let opened = begun.elapsed();
    println!("50 MB opened in {:.2} s", opened.as_secs_f64());
    // Machines that do other things at the same time are slower; alone it is below two seconds.
    assert!(opened < Duration::from_secs(8), "{opened:?}");
    assert_eq!(browser.run("return window.log.count"), lines);
    assert!(browser.run("return document.querySelectorAll('*').length").as_u64().is_some_and(|parts| parts < 20_000));
    // To the end by the bar, one line on by the wheel, to a line in the middle by its number.
    browser.run("const box = document.querySelector('#lines'); box.scrollTop = box.scrollHeight");
    browser.until(&format!("document.querySelector('#lines .row:last-child .no').textContent === '{lines}'"));
    let middle = lines / 2;
    let begun = Instant::now();
    browser.run(&format!("window.log.go({middle})"));
    browser.until(&format!("document.querySelector('#lines .row.marked .no').textContent === '{middle}'"));
    assert!(begun.elapsed() < Duration::from_secs(2));
    browser.run(
        "document.querySelector('#lines').dispatchEvent(new WheelEvent('wheel', {deltaY: 100, cancelable: true}))",
    );
    let first =
        browser.run("return Number(document.querySelector('#lines .row .no').textContent)").as_u64().expect("a number");
    assert!(first.abs_diff(middle as u64) < 20, "{first} after {middle}");
    // A search over all of it.
    browser.press("/");
    browser.press("try 54321");
    browser.until("/^\\d+ lines$/.test(document.querySelector('#matches').textContent)");
    assert_eq!(browser.run("return document.querySelector('#matches').textContent"), "11 lines");
    assert_quiet(&browser, &path);
}
