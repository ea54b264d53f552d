//! A browser that a test drives: Debian's chromium through chromedriver, whose protocol (W3C WebDriver) is JSON over HTTP.

use serde_json::{Value, json};
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// One window of one browser, ended with the test.
pub(crate) struct Browser {
    driver: Child,
    session: String,
    agent: ureq::Agent,
    _profile: tempfile::TempDir,
}

/// Whether there is a browser. In CI there must be one: `tests/all.sh` installs it.
fn found() -> bool {
    let all = ["chromium", "chromedriver"].iter().all(|name| Command::new(name).arg("--version").output().is_ok());
    assert!(all || std::env::var_os("CI").is_none(), "no chromium or no chromedriver: see tests/all.sh");
    if !all {
        eprintln!("skipped: no chromium or no chromedriver");
    }
    all
}

impl Browser {
    /// A fresh one; none where there is no browser.
    pub(crate) fn open(width: u32, height: u32) -> Option<Self> {
        if !found() {
            return None;
        }
        let mut driver = Command::new("chromedriver")
            .arg("--port=0")
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("it starts");
        let mut words = BufReader::new(driver.stdout.take().expect("piped"));
        let mut line = String::new();
        let port = loop {
            line.clear();
            assert!(words.read_line(&mut line).expect("it speaks") > 0, "chromedriver ended");
            if let Some((_, rest)) = line.split_once("successfully on port ") {
                break rest.trim().trim_end_matches('.').to_owned();
            }
        };
        // It goes on speaking, and must not be stopped by a full pipe.
        std::thread::spawn(move || std::io::copy(&mut words, &mut std::io::sink()));
        let profile = tempfile::tempdir().expect("a temporary folder");
        let agent = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .timeout_global(Some(Duration::from_secs(120)))
            .build();
        let mut browser = Self {
            driver,
            session: format!("http://127.0.0.1:{port}/session"),
            agent: agent.into(),
            _profile: profile,
        };
        let arguments = [
            "--headless=new",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-quic",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            "--disable-dev-shm-usage",
            "--force-color-profile=srgb",
            "--hide-scrollbars",
            &format!("--window-size={width},{height}"),
            &format!("--user-data-dir={}", browser._profile.path().display()),
        ];
        let made = browser.ask(
            "",
            json!({"capabilities": {"alwaysMatch": {
                "browserName": "chrome",
                "goog:chromeOptions": {"args": arguments},
                "goog:loggingPrefs": {"browser": "ALL", "performance": "ALL"},
            }}}),
        );
        let id = made["sessionId"].as_str().expect("a session").to_owned();
        browser.session = format!("{}/{id}", browser.session);
        Some(browser)
    }

    fn ask(&self, command: &str, body: Value) -> Value {
        let sent = self.agent.post(format!("{}{command}", self.session)).send(body.to_string());
        let text = sent.expect("chromedriver answers").body_mut().read_to_string().expect("text");
        let answer: Value = serde_json::from_str(&text).expect("JSON");
        assert!(answer["value"]["error"].is_null(), "{command}: {}", answer["value"]);
        answer["value"].clone()
    }

    /// A command of the browser's own protocol.
    pub(crate) fn devtools(&self, command: &str, parameters: Value) -> Value {
        self.ask("/goog/cdp/execute", json!({"cmd": command, "params": parameters}))
    }

    /// Goes to a file and waits until it is loaded.
    pub(crate) fn load(&self, path: &Path) {
        self.ask("/url", json!({"url": format!("file://{}", path.display())}));
    }

    /// What a script answers: the body of a function.
    pub(crate) fn run(&self, script: &str) -> Value {
        self.ask("/execute/sync", json!({"script": script, "args": []}))
    }

    /// What a script answers that takes its time: the body of a function whose last argument is to be called with it.
    pub(crate) fn wait_for(&self, script: &str) -> Value {
        self.ask("/execute/async", json!({"script": script, "args": []}))
    }

    /// Waits until an expression is true.
    pub(crate) fn until(&self, expression: &str) {
        let begun = Instant::now();
        while self.run(&format!("return Boolean({expression})")) != Value::Bool(true) {
            assert!(begun.elapsed() < Duration::from_secs(20), "never true: {expression}");
        }
    }

    /// Presses keys, one after the other, as WebDriver names them.
    pub(crate) fn press(&self, keys: &str) {
        let actions: Vec<Value> = keys
            .chars()
            .flat_map(|key| ["keyDown", "keyUp"].map(|kind| json!({"type": kind, "value": key.to_string()})))
            .collect();
        self.ask("/actions", json!({"actions": [{"type": "key", "id": "keys", "actions": actions}]}));
    }

    /// Clicks on the first thing that a selector finds.
    pub(crate) fn click(&self, selector: &str) {
        self.run(&format!("document.querySelector({selector:?}).scrollIntoView({{block: 'center'}})"));
        let found = self.ask("/element", json!({"using": "css selector", "value": selector}));
        let id = found.as_object().and_then(|found| found.values().next()).and_then(Value::as_str).expect("an element");
        self.ask(&format!("/element/{id}/click"), json!({}));
    }

    /// What the browser has to complain of since it was asked last: console messages, refusals of the policy.
    pub(crate) fn complaints(&self) -> Vec<String> {
        let log = self.ask("/se/log", json!({"type": "browser"}));
        log.as_array().into_iter().flatten().map(|entry| entry["message"].to_string()).collect()
    }

    /// What was asked of the network since it was asked last.
    pub(crate) fn requests(&self) -> Vec<String> {
        let log = self.ask("/se/log", json!({"type": "performance"}));
        let message = |entry: &Value| serde_json::from_str::<Value>(entry["message"].as_str()?).ok();
        let sent = log.as_array().into_iter().flatten().filter_map(message).filter_map(|message| {
            let message = &message["message"];
            (message["method"] == "Network.requestWillBeSent")
                .then(|| message["params"]["request"]["url"].as_str().unwrap_or_default().to_owned())
        });
        // The browser's own first window is none of the page's.
        sent.filter(|url| !url.starts_with("data:") && !url.starts_with("chrome://")).collect()
    }

    /// The reader's settings: `prefers-color-scheme`, `screen` or `print`.
    pub(crate) fn media(&self, media: &str, scheme: &str) {
        let features = json!([{"name": "prefers-color-scheme", "value": scheme}]);
        self.devtools("Emulation.setEmulatedMedia", json!({"media": media, "features": features}));
    }

    /// The size of the window.
    pub(crate) fn size(&self, width: u32, height: u32) {
        let metrics = json!({"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 500});
        self.devtools("Emulation.setDeviceMetricsOverride", metrics);
    }

    /// The whole page as a picture, kept where `KANALYZE_PICTURES` names a folder.
    pub(crate) fn picture(&self, name: &str) {
        let Some(folder) = std::env::var_os("KANALYZE_PICTURES").map(PathBuf::from) else { return };
        let high = self.run("return document.documentElement.scrollHeight").as_u64().expect("a height").min(6_000);
        let wide = self.run("return innerWidth").as_u64().expect("a width");
        let clip = json!({"x": 0, "y": 0, "width": wide, "height": high, "scale": 1});
        let shot = self.devtools("Page.captureScreenshot", json!({"captureBeyondViewport": true, "clip": clip}));
        std::fs::create_dir_all(&folder).expect("a folder");
        use base64::Engine as _;
        let bytes = base64::engine::general_purpose::STANDARD.decode(shot["data"].as_str().expect("a picture"));
        std::fs::write(folder.join(format!("{name}.png")), bytes.expect("base64")).expect("written");
    }

    /// What axe-core finds that is serious or worse; none where it is not installed, which CI does not allow.
    pub(crate) fn inaccessible(&self) -> Option<Vec<String>> {
        let Some(path) = std::env::var_os("KANALYZE_AXE") else {
            assert!(std::env::var_os("CI").is_none(), "KANALYZE_AXE names no axe-core: see tests/all.sh");
            return None;
        };
        self.run(&std::fs::read_to_string(path).expect("axe-core can be read"));
        let found = self.wait_for(
            "const done = arguments[arguments.length - 1];
            axe.run(document, {resultTypes: ['violations']}).then((found) => done(found.violations
                .filter((one) => ['serious', 'critical'].includes(one.impact))
                .map((one) => `${one.id}: ${one.help}: ${one.nodes.slice(0, 3).map((node) => node.html.slice(0, 200)).join(' | ')}`)))",
        );
        Some(found.as_array().into_iter().flatten().map(Value::to_string).collect())
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // The session ends the browser, and then the driver is alone.
        let _ = self.agent.delete(&self.session).call();
        let _ = self.driver.kill();
        let _ = self.driver.wait();
    }
}
