//! The page of a station in a real browser: Debian's Chromium without a screen, driven by keys alone, with scripts turned off.
//!
//! The browser takes orders over a pipe (`--remote-debugging-pipe`): JSON values that end with a NUL. With `UPDATE=1` the picture of
//! the list is written to `docs/station.png`.

use std::fs::File;
use std::io::{Read, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Instant;

use serde_json::{Value, json};

use super::doors::installed;
use super::stations::{GAMES, Station, site, submit};
use super::support::DEADLINE;

const CHROMIUM: &str = "/usr/bin/chromium";

struct Browser {
    child: Child,
    orders: File,
    answers: File,
    ahead: Vec<u8>,
    session: String,
    last: u64,
}

impl Browser {
    fn start(dir: &Path) -> Self {
        let (orders, answers) = (dir.join("orders"), dir.join("answers"));
        for path in [&orders, &answers] {
            assert!(Command::new("mkfifo").arg(path).status().unwrap().success());
        }
        let line = r#"exec "$0" "$@" 3< orders 4> answers"#;
        let profile = format!("--user-data-dir={}", dir.join("profile").display());
        let words = [
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-dev-shm-usage",
            "--no-first-run",
            "--remote-debugging-pipe",
            "--lang=en",
            "--window-size=1000,620",
            "--hide-scrollbars",
            &profile,
        ];
        let mut command = Command::new("/bin/sh");
        command.args(["-c", line, CHROMIUM]).args(words).current_dir(dir).env("HOME", dir);
        let child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let orders = File::options().write(true).open(orders).unwrap();
        let answers = File::open(answers).unwrap();
        let mut browser = Self { child, orders, answers, ahead: Vec::new(), session: String::new(), last: 0 };
        let target = browser.order("Target.createTarget", json!({ "url": "about:blank" }));
        let attached =
            browser.order("Target.attachToTarget", json!({ "targetId": target["targetId"], "flatten": true }));
        browser.session = attached["sessionId"].as_str().unwrap().to_owned();
        browser.order("Emulation.setFocusEmulationEnabled", json!({ "enabled": true }));
        browser.order("Emulation.setScriptExecutionDisabled", json!({ "value": true }));
        browser
    }

    /// Gives an order and returns its result.
    fn order(&mut self, method: &str, params: Value) -> Value {
        self.last += 1;
        let mut order = json!({ "id": self.last, "method": method, "params": params });
        if !self.session.is_empty() {
            order["sessionId"] = self.session.clone().into();
        }
        self.orders.write_all(format!("{order}\0").as_bytes()).unwrap();
        loop {
            let answer = self.answer();
            if answer["id"] == self.last {
                assert!(answer["error"].is_null(), "{method}: {answer}");
                return answer["result"].clone();
            }
        }
    }

    fn answer(&mut self) -> Value {
        loop {
            if let Some(end) = self.ahead.iter().position(|octet| *octet == 0) {
                let octets: Vec<u8> = self.ahead.drain(..=end).collect();
                return serde_json::from_slice(&octets[..end]).unwrap();
            }
            let mut buffer = [0; 64 * 1024];
            let n = self.answers.read(&mut buffer).unwrap();
            assert!(n > 0, "the browser has ended");
            self.ahead.extend_from_slice(&buffer[..n]);
        }
    }

    /// Asks something of the document; nothing while another one is loaded.
    fn of_document(&mut self, method: &str, mut params: Value) -> Value {
        params["nodeId"] = self.order("DOM.getDocument", json!({ "depth": 0 }))["root"]["nodeId"].clone();
        self.last += 1;
        let order = json!({ "id": self.last, "method": method, "params": params, "sessionId": self.session });
        self.orders.write_all(format!("{order}\0").as_bytes()).unwrap();
        loop {
            let answer = self.answer();
            if answer["id"] == self.last {
                return answer["result"].clone();
            }
        }
    }

    /// The page as the browser has it; empty while it loads another one.
    fn page(&mut self) -> String {
        self.of_document("DOM.getOuterHTML", json!({}))["outerHTML"].as_str().unwrap_or_default().to_owned()
    }

    /// Waits until the cursor stands in a field: a page has its text before.
    fn wait_for_cursor(&mut self, field: &str) {
        let end = Instant::now() + DEADLINE;
        let question = json!({ "selector": format!("{field}:focus") });
        while self.of_document("DOM.querySelector", question.clone())["nodeId"].as_u64().unwrap_or(0) == 0 {
            assert!(Instant::now() < end, "the cursor does not stand in {field}");
        }
    }

    fn wait_for(&mut self, text: &str) -> String {
        let end = Instant::now() + DEADLINE;
        loop {
            let page = self.page();
            if page.contains(text) && page.contains("</footer>") {
                return page;
            }
            assert!(Instant::now() < end, "no '{text}' in {page}");
        }
    }

    fn key(&mut self, key: &str, code: u32, text: &str) {
        let press =
            |kind: &str| json!({ "type": kind, "key": key, "code": key, "windowsVirtualKeyCode": code, "text": text });
        self.order("Input.dispatchKeyEvent", press("keyDown"));
        self.order(
            "Input.dispatchKeyEvent",
            json!({ "type": "keyUp", "key": key, "code": key, "windowsVirtualKeyCode": code }),
        );
    }

    fn tab(&mut self) {
        self.key("Tab", 9, "");
    }

    fn enter(&mut self) {
        self.key("Enter", 13, "\r");
    }

    fn types(&mut self, text: &str) {
        self.order("Input.insertText", json!({ "text": text }));
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn a_person_prints_by_keys_alone_in_a_real_browser_without_scripts() {
    if !installed(CHROMIUM) {
        return;
    }
    let Some(machine) = site() else { return };
    for title in ["Letter to Ann", "Travel report", "Minutes of Monday"] {
        submit(&machine, GAMES, title);
    }
    let station = Station::open(&machine, &[]);
    let dir = tempfile::tempdir().unwrap();
    let mut browser = Browser::start(dir.path());
    browser.order("Page.navigate", json!({ "url": format!("http://{}/", station.address) }));
    let page = browser.wait_for("Log on");
    assert!(page.contains("Printing at hall"));
    browser.wait_for_cursor("#user");
    browser.types("games");
    browser.tab();
    browser.wait_for_cursor("#pin");
    browser.types("4071");
    browser.enter();
    let page = browser.wait_for("Logged on as games");
    assert!(page.contains("Letter to Ann") && page.contains("releasable here"), "{page}");
    let picture = browser.order("Page.captureScreenshot", json!({ "format": "png" }));
    let coded = picture["data"].as_str().unwrap();
    assert!(coded.len() > 10_000, "the picture is empty");
    assert!(coded.len() / 4 * 3 < 100_000, "the picture is too large: {}", coded.len() / 4 * 3);
    if std::env::var_os("UPDATE").is_some() {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/station.png");
        let mut decode = Command::new("base64");
        let mut decode = decode.arg("-d").stdin(Stdio::piped()).stdout(File::create(file).unwrap()).spawn().unwrap();
        decode.stdin.take().unwrap().write_all(coded.as_bytes()).unwrap();
        assert!(decode.wait().unwrap().success());
    }
    // Log off, print what is chosen, print all.
    for _ in 0..3 {
        browser.tab();
    }
    browser.enter();
    browser.wait_for("Letter to Ann: prints on hall-printer");
    machine.wait_for("all are printed", || {
        let paper = machine.paper();
        ["Letter to Ann", "Travel report", "Minutes of Monday"].iter().all(|title| paper.contains(title))
    });
    // The first thing that can be reached is the way out.
    browser.tab();
    browser.enter();
    browser.wait_for("You are logged off.");
}
