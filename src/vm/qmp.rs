//! QEMU's control socket: JSON lines over a unix socket, answers matched to commands, events passed on.

use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::net::UnixStream;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::{Duration, Instant};

/// No answer of QEMU is longer; `info registers -a` of 512 processors has 2 MiB.
const LINE_LIMIT: u64 = 16 << 20;

/// Why a command failed.
#[derive(Debug, thiserror::Error)]
pub enum QmpError {
    /// QEMU is gone or closed the socket.
    #[error("qemu closed its control socket")]
    Gone,
    /// QEMU did not answer.
    #[error("qemu did not answer {command} within {seconds} s")]
    Silent {
        /// The command.
        command: String,
        /// How long was waited.
        seconds: u64,
    },
    /// QEMU refused.
    #[error("qemu refuses {command}: {reason}")]
    Refused {
        /// The command.
        command: String,
        /// Its words.
        reason: String,
    },
}

/// An event of QEMU: `SHUTDOWN`, `RESET`, `BLOCK_IO_ERROR` …
#[derive(Debug, Clone, PartialEq)]
pub struct QmpEvent {
    /// Its name.
    pub name: String,
    /// Its data.
    pub data: Value,
}

/// The control connection.
#[derive(Debug)]
pub struct Qmp {
    stream: UnixStream,
    answers: Receiver<Value>,
    next_id: u64,
}

impl Qmp {
    /// Takes a connection that QEMU made, greets it, and calls `on_event` for each event and with `None` when QEMU is gone.
    ///
    /// # Errors
    /// No greeting within ten seconds.
    pub fn start(
        stream: UnixStream,
        on_event: impl FnMut(Option<QmpEvent>) + Send + 'static,
    ) -> Result<Self, QmpError> {
        let reading = stream.try_clone().map_err(|_| QmpError::Gone)?;
        let (sender, answers) = channel();
        thread::spawn(move || read_all(reading, &sender, on_event));
        let mut qmp = Self { stream, answers, next_id: 0 };
        qmp.command("qmp_capabilities", json!({}))?;
        Ok(qmp)
    }

    /// Sends one command and waits for its answer, ten seconds at most.
    ///
    /// # Errors
    /// QEMU is gone, silent, or says no.
    pub fn command(&mut self, command: &str, arguments: Value) -> Result<Value, QmpError> {
        const LIMIT: Duration = Duration::from_secs(10);
        self.next_id += 1;
        let id = self.next_id;
        let mut line = json!({"execute": command, "arguments": arguments, "id": id}).to_string();
        line.push('\n');
        self.stream.write_all(line.as_bytes()).map_err(|_| QmpError::Gone)?;
        let deadline = Instant::now() + LIMIT;
        loop {
            match self.answers.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
                Err(RecvTimeoutError::Disconnected) => return Err(QmpError::Gone),
                Err(RecvTimeoutError::Timeout) => {
                    return Err(QmpError::Silent { command: command.to_owned(), seconds: LIMIT.as_secs() });
                }
                // An answer that came too late for the command before.
                Ok(answer) if answer["id"] != id => {}
                Ok(mut answer) => {
                    if let Some(error) = answer.get("error") {
                        let reason = error["desc"].as_str().unwrap_or("no reason given").to_owned();
                        return Err(QmpError::Refused { command: command.to_owned(), reason });
                    }
                    return Ok(answer["return"].take());
                }
            }
        }
    }

    /// A command of the human monitor, for what QMP has no command for.
    ///
    /// # Errors
    /// As [`Qmp::command`].
    pub fn human(&mut self, line: &str) -> Result<String, QmpError> {
        let answer = self.command("human-monitor-command", json!({"command-line": line}))?;
        Ok(answer.as_str().unwrap_or_default().to_owned())
    }
}

fn read_all(stream: UnixStream, answers: &Sender<Value>, mut on_event: impl FnMut(Option<QmpEvent>)) {
    let mut reader = BufReader::new(stream);
    let mut line = Vec::new();
    loop {
        line.clear();
        match (&mut reader).take(LINE_LIMIT).read_until(b'\n', &mut line) {
            Ok(1..) if line.ends_with(b"\n") => {}
            _ => break,
        }
        let Ok(mut message) = serde_json::from_slice::<Value>(&line) else { continue };
        if let Some(name) = message["event"].as_str().map(str::to_owned) {
            on_event(Some(QmpEvent { name, data: message["data"].take() }));
        } else if message.get("id").is_some() && answers.send(message).is_err() {
            break;
        }
    }
    on_event(None);
}

/// The host port that QEMU took for the guest's port 22, out of `info usernet`.
#[must_use]
pub fn forwarded_port(usernet: &str) -> Option<u16> {
    usernet.lines().find(|line| line.contains("HOST_FORWARD"))?.split_ascii_whitespace().nth(3)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn machine(answer: impl Fn(&Value) -> Vec<Value> + Send + 'static) -> UnixStream {
        let (ours, theirs) = UnixStream::pair().expect("a pair of sockets");
        thread::spawn(move || {
            let mut writer = theirs.try_clone().expect("cloned");
            writeln!(writer, "{}", json!({"QMP": {}})).expect("greeted");
            for line in BufReader::new(theirs).lines().map_while(Result::ok) {
                let command: Value = serde_json::from_str(&line).expect("kanalyze writes JSON");
                for reply in answer(&command) {
                    writeln!(writer, "{reply}").expect("answered");
                }
            }
        });
        ours
    }

    #[test]
    fn answers_are_distinguished_from_events_and_from_late_answers() {
        let (events, seen) = channel();
        let stream = machine(|command| {
            vec![
                json!({"return": "late", "id": 0}),
                json!({"event": "RESET", "data": {"guest": true}}),
                json!({"return": command["arguments"], "id": command["id"]}),
            ]
        });
        let mut qmp = Qmp::start(stream, move |event| drop(events.send(event))).expect("greeted");
        assert_eq!(qmp.command("x", json!({"a": 1})).expect("answered"), json!({"a": 1}));
        assert_eq!(seen.recv().expect("an event").map(|event| event.name), Some("RESET".to_owned()));
    }

    #[test]
    fn a_refusal_carries_the_reason_of_qemu() {
        let stream = machine(|command| match command["execute"].as_str() {
            Some("qmp_capabilities") => vec![json!({"return": {}, "id": command["id"]})],
            _ => vec![json!({"error": {"desc": "no such device"}, "id": command["id"]})],
        });
        let mut qmp = Qmp::start(stream, |_| ()).expect("greeted");
        let error = qmp.command("chardev-send-break", json!({"id": "x"})).expect_err("refused");
        assert_eq!(error.to_string(), "qemu refuses chardev-send-break: no such device");
    }

    #[test]
    fn a_qemu_that_dies_is_noticed() {
        let (ours, theirs) = UnixStream::pair().expect("a pair of sockets");
        drop(theirs);
        assert!(matches!(Qmp::start(ours, |_| ()), Err(QmpError::Gone)));
    }

    #[test]
    fn the_forwarded_port_is_read_from_the_table() {
        let table = "Hub -1 (net0):\r\n  Protocol[State]    FD  Source Address  Port   Dest. Address  Port RecvQ SendQ\r\n  \
                     TCP[HOST_FORWARD]   9       127.0.0.1 46771       10.0.2.15    22     0     0\r\n";
        assert_eq!(forwarded_port(table), Some(46771));
        assert_eq!(forwarded_port(""), None);
    }
}
