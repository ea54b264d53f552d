//! What people say in words: questions and whether they were answered, objections, "dropped".

use super::body::{Line, Role, sentences};
use super::message::Message;
use super::queue::{Fate, queued};

/// Sentences longer than this are cut when they are kept, characters.
const LONGEST: usize = 300;

pub(super) fn kept(sentence: &str) -> String {
    crate::thread::message::one_line(&sentence.chars().take(LONGEST).collect::<String>())
}

/// The questions that a message's sender asks.
#[must_use]
pub(super) fn questions(message: &Message) -> Vec<String> {
    let asks = |sentence: &String| {
        let bare = sentence.trim_end_matches(['"', ')', '\'', '”']);
        bare.ends_with('?')
            && bare
                .trim_end_matches('?')
                .ends_with(|char: char| char.is_alphanumeric() || matches!(char, ')' | ']' | '"' | '\'' | '`' | '_'))
    };
    sentences(&message.lines).iter().filter(|sentence| asks(sentence)).map(|sentence| kept(sentence)).collect()
}

/// What a message quotes, ready to be searched for questions.
#[derive(Debug, Clone, Default)]
pub(super) struct Quotes {
    /// The letters of each quote, and whether words of the sender's own go with it.
    quotes: Vec<(String, bool)>,
    /// Whether there are no quotes, but words.
    pub plain: bool,
}

/// So much of each quote is searched, bytes of letters.
const SEARCHED: usize = 256 << 10;

impl Quotes {
    /// Of a message. A quote is answered by words below it, or by words on top of the first one.
    #[must_use]
    pub(super) fn of(message: &Message) -> Self {
        let lines = &message.lines;
        let says = |lines: &[Line]| {
            lines.iter().any(|line| matches!(line.role, Role::Own | Role::Diff) && !line.text.trim().is_empty())
        };
        let (mut found, mut at) = (Self::default(), 0);
        while at < lines.len() {
            if lines[at].role != Role::Quoted {
                at += 1;
                continue;
            }
            let end = lines[at..].iter().position(|line| line.role != Role::Quoted).map_or(lines.len(), |end| at + end);
            let mut quote = String::new();
            for line in &lines[at..end] {
                if quote.len() < SEARCHED {
                    quote.push_str(&letters(&line.text));
                }
            }
            let on_top = found.quotes.is_empty() && says(&lines[..at]);
            // What stands below a quote belongs to it up to the next one, which begins where that ends.
            let next =
                lines[end..].iter().position(|line| line.role == Role::Quoted).map_or(lines.len(), |next| end + next);
            found.quotes.push((quote, on_top || says(&lines[end..next])));
            at = end;
        }
        found.plain = found.quotes.is_empty() && says(lines);
        found
    }

    /// Whether the message answers a question: it quotes it and goes on in words of its own.
    #[must_use]
    pub(super) fn answer(&self, question: &str) -> bool {
        let wanted = letters(question);
        self.quotes
            .iter()
            .any(|(quote, answered)| *answered && memchr::memmem::find(quote.as_bytes(), wanted.as_bytes()).is_some())
    }
}

/// Letters and digits alone: quoting, wrapping and punctuation do not matter.
fn letters(text: &str) -> String {
    text.chars().filter(|char| char.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

/// Words with which people object or warn. They are quoted as they stand, and called possible.
const DOUBTS: [&str; 34] = [
    "i don't think",
    "i do not think",
    "i don't like",
    "not sure",
    "don't believe",
    "i doubt",
    "i disagree",
    "i object",
    "is wrong",
    "looks wrong",
    "seems wrong",
    "not right",
    "not correct",
    "is incorrect",
    "not acceptable",
    "not a good idea",
    "bad idea",
    "please don't",
    "should not",
    "shouldn't",
    "must not",
    "mustn't",
    "can't just",
    "cannot just",
    "rather not",
    "concern",
    "worried",
    "worry",
    "not safe",
    "unsafe",
    "would break",
    "will break",
    "careful",
    "cautious",
];

/// Sentences in which a message's sender objects or warns, by their words.
#[must_use]
pub(super) fn doubts(message: &Message) -> Vec<String> {
    let doubts = |sentence: &&String| {
        let lower = sentence.to_lowercase().replace('\u{2019}', "'");
        !lower.ends_with('?') && DOUBTS.iter().any(|words| lower.contains(words))
    };
    sentences(&message.lines).iter().filter(doubts).map(|sentence| kept(sentence)).collect()
}

/// The sentence in which a message's sender refuses a patch: `NAK`, whatever is around it.
#[must_use]
pub(super) fn refusal(message: &Message) -> Option<String> {
    let refuses = |sentence: &&String| {
        sentence
            .split(|char: char| !char.is_alphanumeric())
            .any(|word| matches!(word, "NAK" | "NACK" | "Nak" | "Nack" | "nak" | "nack"))
    };
    sentences(&message.lines).iter().find(refuses).map(|sentence| kept(sentence))
}

/// The sentence in which a message's sender says that a patch is out of the tree again: `I dropped this, it breaks the build.` What
/// somebody drops while applying (a tag, a hunk, an empty line) is no patch.
#[must_use]
pub(super) fn dropped(message: &Message) -> Option<String> {
    if let Some(queued) = queued(message) {
        return (queued.fate == Fate::Dropped).then_some(queued.words);
    }
    sentences(&message.lines).iter().find(|sentence| drops(sentence)).map(|sentence| kept(sentence))
}

fn drops(sentence: &str) -> bool {
    let lower = sentence.to_lowercase();
    let words: Vec<&str> = lower
        .split_whitespace()
        .map(|word| word.trim_matches(|char: char| !char.is_alphanumeric() && char != '\''))
        .collect();
    let Some(at) =
        words.iter().take(6).position(|word| matches!(*word, "dropped" | "dropping" | "reverted" | "unapplied"))
    else {
        return false;
    };
    let begins = at == 0
        || matches!(words[0], "i" | "i've" | "i'm" | "i'll" | "we" | "we've" | "so" | "now" | "ok" | "okay" | "sorry");
    let denied = lower.ends_with('?') || words[..at].iter().any(|word| matches!(*word, "not" | "never" | "if" | "you"));
    let about = |word: Option<&&str>| {
        matches!(
            word,
            None | Some(
                &("again"
                    | "for"
                    | "from"
                    | "now"
                    | "as"
                    | "because"
                    | "since"
                    | "until"
                    | "due"
                    | "and"
                    | "it"
                    | "out")
            )
        )
    };
    let named =
        |word: Option<&&str>| matches!(word, Some(&("patch" | "series" | "commit" | "one" | "patches" | "version")));
    let object = words.get(at + 1);
    let patch = match object {
        Some(&("this" | "it" | "these" | "that" | "both" | "them")) => {
            about(words.get(at + 2)) || named(words.get(at + 2))
        }
        Some(&"the") => named(words.get(at + 2)),
        _ => false,
    };
    begins && patch && !denied
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Message {
        Message::read(format!("From: a@b\n\n{text}").as_bytes())
    }

    #[test]
    fn a_question_ends_with_its_mark_and_is_the_senders() {
        let message = read(
            "> Is this quoted?\nWhy do we hold the lock here? x = a ? b : c;\nSee http://x/?y=1\nReally?!\nCan it be\ndone later?\n",
        );
        assert_eq!(questions(&message), ["Why do we hold the lock here?", "Can it be done later?"]);
    }

    #[test]
    fn an_answer_quotes_the_question_and_goes_on() {
        let question = "Why do we hold the lock here?";
        let answers = |message: &Message, question: &str| Quotes::of(message).answer(question);
        assert!(answers(&read("> Why do we hold\n> the lock here?\n\nBecause.\n"), question));
        assert!(answers(&read("Because.\n\n> Why do we hold the lock here?\n"), question));
        assert!(!answers(&read("> Another point.\n\nYes.\n"), question));
        assert!(!answers(&read("> Another point.\n\nYes.\n\n> Why do we hold the lock here?\n"), question));
    }

    #[test]
    fn who_dropped_a_patch_says_so() {
        for text in [
            "I dropped this again, it breaks the build on sparc.\n",
            "Dropped it for now.\n",
            "Sorry, I have reverted the patch.\n",
            "We've dropped these because of the report below.\n",
            "I dropped this.\n",
        ] {
            assert!(dropped(&read(text)).is_some(), "{text}");
        }
        for text in [
            "I dropped the Fixes: tag while applying.\n",
            "Dropped this hunk and applied.\n",
            "Have you dropped this?\n",
            "I have not dropped it.\n",
            "The lock is dropped it seems.\n",
            "If I dropped this it would hang.\n",
            "> I dropped this.\nFine.\n",
        ] {
            assert_eq!(dropped(&read(text)), None, "{text}");
        }
    }

    #[test]
    fn refusals_and_doubts_are_quoted() {
        assert_eq!(
            refusal(&read("NAK, this is not how it works.\n")).as_deref(),
            Some("NAK, this is not how it works.")
        );
        assert_eq!(refusal(&read("A snack.\n")), None);
        assert_eq!(doubts(&read("I don\u{2019}t think we should lock there. Fine otherwise.\n")).len(), 1);
    }
}
