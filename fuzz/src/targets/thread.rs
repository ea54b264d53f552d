//! Mailboxes: threads, patches, commands, and what is shown of them.

use super::{choice, harmless, harmless_bytes};
use kanalyze::render::page::threads_page;
use kanalyze::render::{Look, json_line, thread_text};
use kanalyze::thread::{Mailbox, bare_subject, message_id, seconds_of};

/// Tries one mailbox.
pub fn check(data: &[u8]) {
    let choice = choice(data);
    let mailbox = Mailbox::read("t.mbox", data, 1);
    let threads = mailbox.threads(1);
    let messages: usize = threads.iter().map(|thread| thread.messages.len()).sum();
    assert_eq!(messages, mailbox.len(), "a message is in no thread, or in two");
    for thread in &threads {
        harmless(&thread_text(thread, 20, &Look::default()), "the view of a thread");
        harmless_bytes(&json_line(thread).expect("a thread is JSON"), "a thread");
        for entry in thread.messages.iter().take(3) {
            if !entry.id.is_empty() {
                assert!(mailbox.holds(&entry.id), "{:?} is not there", entry.id);
                assert!(mailbox.thread_of(&entry.id, 1).is_some(), "{:?} has no thread", entry.id);
            }
        }
    }
    if choice.is_multiple_of(4) {
        harmless(&threads_page(&threads), "the page of threads");
    }
    if choice % 16 == 3 {
        assert_eq!(Mailbox::read("t.mbox", data, 4).threads(4), threads, "four threads");
    }
    let text = String::from_utf8_lossy(data);
    for line in text.lines().take(30) {
        let _ = (message_id(line), bare_subject(line), seconds_of(line));
    }
}
