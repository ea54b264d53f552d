//! Carrying out the dumps of a run: keys sent, what they printed kept, a deaf guest poked.

use super::happening::Happening;
use super::judge::Fact;
use super::qemu;
use super::qmp::Qmp;
use super::serial::Keyboard;
use super::sysrq::{Dump, HANG_KEYS, Step, Way};
use super::watcher::Watcher;
use serde_json::json;

/// The dumps of one run.
#[derive(Debug, Default)]
pub struct Dumps {
    done: usize,
    current: Option<Current>,
}

#[derive(Debug)]
struct Current {
    dump: Dump,
    /// Offset in the serial log at its beginning, bytes.
    from: u64,
    /// Keys that the kernel had answered before the last one was sent.
    answers: usize,
}

impl Dumps {
    /// Begins one; `scale` as for time limits.
    pub fn begin(&mut self, scale: f64, watcher: &mut Watcher<'_>) {
        watcher.step(format!("asking the guest for a dump by sysrq {HANG_KEYS}"));
        self.current = Some(Current {
            dump: Dump::new(HANG_KEYS, scale),
            from: watcher.recorder.serial_length(),
            answers: watcher.sysrq_answers(),
        });
    }

    /// Sends what is to be sent now; keeps what came when all is there.
    pub fn go_on(&mut self, qmp: &mut Qmp, keyboard: &Keyboard, gone: bool, watcher: &mut Watcher<'_>) {
        let Some(mut current) = self.current.take() else { return };
        if gone || !watcher.is_dumping() {
            return;
        }
        if watcher.sysrq_answers() > current.answers {
            current.answers = watcher.sysrq_answers();
            current.dump.answer();
        }
        match current.dump.step(watcher.now(), watcher.last_byte) {
            Step::Wait => {}
            Step::Send(way, key) => {
                current.answers = watcher.sysrq_answers();
                if !send_key(qmp, keyboard, way, key) {
                    current.dump.refused();
                }
            }
            Step::Done => {
                self.keep(qmp, &current, watcher);
                return;
            }
        }
        self.current = Some(current);
    }

    fn keep(&mut self, qmp: &mut Qmp, current: &Current, watcher: &mut Watcher<'_>) {
        self.done += 1;
        let dump = &current.dump;
        let answered = !dump.answered.is_empty();
        if !answered {
            if let Ok(registers) = qmp.human("info registers -a") {
                watcher.recorder.artefact(&format!("registers-{}.txt", self.done), registers.as_bytes());
            }
            // A kernel that listens to nothing else may say where each processor is.
            let _ = qmp.command("inject-nmi", json!({}));
            watcher.step("the guest is deaf: registers kept, NMI sent".to_owned());
        }
        watcher.recorder.tell(&Happening::Dump { answered: dump.answered.clone(), by: dump.way().to_owned() });
        let text = watcher.recorder.serial_text(current.from, watcher.recorder.serial_length());
        watcher.recorder.artefact(&format!("dump-{}.txt", self.done), &text);
        watcher.keep_locks(self.done);
        watcher.fact(Fact::DumpDone { answered });
    }
}

fn send_key(qmp: &mut Qmp, keyboard: &Keyboard, way: Way, key: char) -> bool {
    match way {
        Way::Keyboard => {
            let keys = ["alt".to_owned(), "sysrq".to_owned(), key.to_string()];
            let keys = keys.map(|key| json!({"type": "qcode", "data": key}));
            qmp.command("send-key", json!({"keys": keys})).is_ok()
        }
        Way::SerialBreak => {
            qmp.command("chardev-send-break", json!({"id": qemu::SERIAL})).is_ok()
                && keyboard.type_bytes(key.to_string().as_bytes()).is_ok()
        }
    }
}
