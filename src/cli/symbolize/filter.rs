//! The filter itself: lines of logs in, the same lines with source places, or records, out.

use super::super::harmless::Harmless;
use super::super::logs::sources_of;
use super::super::output::Format;
use super::super::progress::Progress;
use super::super::stderr::say;
use super::Arguments;
use super::record::write_record;
use crate::image::{decode_code, decode_code_as_script};
use crate::input::Source;
use crate::intake::{Content, PlainStream, Text, each_log, live};
use crate::symbols::{
    Answer, Confidence, Decoded, Kernel, LogDecoder, LogOptions, Named, Paths, Spot, SymbolTable, What, annotate,
    as_script,
};
use anyhow::bail;
use std::ffi::OsString;
use std::io::{self, BufWriter, IsTerminal as _, Write};
use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Stdout; on a terminal with what it would obey made visible.
fn output() -> Box<dyn Write> {
    let out = io::stdout();
    if out.is_terminal() {
        Box::new(Harmless::new(BufWriter::new(out.lock())))
    } else {
        Box::new(BufWriter::with_capacity(1 << 16, out.lock()))
    }
}

/// Reports the refusals that were not reported yet, and how many there are.
fn say_refusals(decoder: &LogDecoder<'_>, told: usize) -> usize {
    let all = decoder.refusals();
    all[told..].iter().for_each(|reason| say(reason));
    all.len()
}

/// Logs come in, and leave with the places in them named.
pub(super) struct Filter<'run> {
    kernel: &'run Kernel,
    arguments: &'run Arguments,
    paths: Paths,
    running: Option<&'run (SymbolTable, SymbolTable)>,
    out: Box<dyn Write>,
    /// Whether no record was written yet.
    first: bool,
    refused: bool,
}

impl<'run> Filter<'run> {
    /// Answers by `kernel`; `running` are symbols and modules of a saved /proc/kallsyms.
    pub(super) fn new(
        kernel: &'run Kernel,
        arguments: &'run Arguments,
        paths: Paths,
        running: Option<&'run (SymbolTable, SymbolTable)>,
    ) -> Self {
        Self { kernel, arguments, paths, running, out: output(), first: true, refused: false }
    }

    /// Whether something could not be read, or is another kernel's.
    pub(super) fn has_refused(&self) -> bool {
        self.refused
    }

    /// Reads all logs.
    ///
    /// # Errors
    /// Output that cannot be written, input that ends the work.
    pub(super) fn all(&mut self) -> anyhow::Result<()> {
        let json = self.arguments.output.format == Format::Json;
        if json {
            self.out.write_all(b"[")?;
        }
        if self.arguments.files.is_empty() {
            self.source(&Source::Stdin)?;
        }
        let files: Vec<OsString> = self.arguments.files.iter().map(|path| path.as_os_str().to_owned()).collect();
        let (sources, named) = sources_of(&files, 1);
        self.refused |= !named;
        for source in &sources {
            self.source(source)?;
        }
        if json {
            self.out.write_all(b"]\n")?;
        }
        Ok(self.out.flush()?)
    }

    /// A pipe as text is handed on line by line; everything else goes the road of all logs.
    fn source(&mut self, source: &Source) -> anyhow::Result<()> {
        let filters = *source == Source::Stdin && self.arguments.output.format == Format::Text;
        if filters || self.arguments.addresses {
            let content = live(source)?;
            return self.content(&source.to_string(), content);
        }
        let mut done = Ok(());
        each_log(source, &mut |log| {
            match log.content {
                Ok(content) => done = self.content(&log.name, content),
                Err(fault) => {
                    say(&fault.to_string());
                    self.refused = true;
                }
            }
            if done.is_err() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        });
        done
    }

    fn content(&mut self, name: &str, content: Content) -> anyhow::Result<()> {
        let damage = match content {
            content if self.arguments.addresses => {
                let (text, damage) = content.gathered(name)?;
                self.addresses(text.plain())?;
                damage.or_else(|| text.damage())
            }
            Content::Text(text, damage) => {
                self.text(name, &text)?;
                damage.or_else(|| text.damage())
            }
            // The image is chosen, and the log's kernel compared with it, before the first line is decoded: a file is looked
            // at as a whole, a pipe cannot be.
            content @ Content::Stream(_) if name != "-" => {
                let (text, damage) = content.gathered(name)?;
                self.text(name, &text)?;
                damage
            }
            Content::Stream(mut stream) => {
                self.stream(&mut stream)?;
                stream.damage().cloned()
            }
        };
        if let Some(damage) = damage {
            say(&format!("{name}: {damage}"));
        }
        Ok(())
    }

    /// Text is the file's, line by line; records are of the log, which may be a mail's.
    fn text(&mut self, name: &str, text: &Text) -> anyhow::Result<()> {
        let as_text = self.arguments.output.format == Format::Text;
        let bytes = if as_text { text.plain() } else { text.log() };
        let mut decoder = self.decoder();
        let survey = Progress::saying(&format!("looking up the addresses of {name}"));
        decoder.survey(bytes);
        drop(survey);
        let done = Arc::new(AtomicU64::new(0));
        let mut progress = Progress::of_bytes(Some(bytes.len() as u64), done.clone());
        progress.give_way();
        for (number, line) in (1..).zip(bytes.split_inclusive(|byte| *byte == b'\n')) {
            let number = if as_text { number } else { text.line(number) };
            self.line(&mut decoder, name, number, line)?;
            done.fetch_add(line.len() as u64, Ordering::Relaxed);
        }
        drop(progress);
        self.refusals(&decoder, name);
        Ok(())
    }

    /// Decodes line by line and hands on what it has whenever it might have to wait.
    fn stream(&mut self, stream: &mut PlainStream) -> anyhow::Result<()> {
        /// A line longer than this is not a log line; it is passed on in pieces.
        const LONGEST: usize = 1 << 20;
        let mut decoder = self.decoder();
        let (mut rest, mut number, mut told) = (Vec::new(), 1, 0);
        while stream.advance() {
            for piece in stream.piece().split_inclusive(|byte| *byte == b'\n') {
                rest.extend_from_slice(piece);
                let whole = piece.ends_with(b"\n");
                if whole || rest.len() > LONGEST {
                    self.line(&mut decoder, "-", number, &rest)?;
                    number += u64::from(whole);
                    rest.clear();
                }
            }
            self.out.flush()?;
            told = say_refusals(&decoder, told);
        }
        if !rest.is_empty() {
            self.line(&mut decoder, "-", number, &rest)?;
            told = say_refusals(&decoder, told);
        }
        self.refused |= told > 0 && !self.arguments.force;
        Ok(())
    }

    fn decoder(&self) -> LogDecoder<'run> {
        let options = LogOptions { force: self.arguments.force, offset: self.arguments.kaslr_offset };
        let mut decoder = LogDecoder::new(self.kernel, options);
        if let Some((symbols, modules)) = self.running {
            decoder.with_kallsyms(symbols, modules);
        }
        decoder
    }

    fn line(&mut self, decoder: &mut LogDecoder<'_>, log: &str, number: u64, line: &[u8]) -> anyhow::Result<()> {
        match self.arguments.output.format {
            Format::Text if self.arguments.compat => {
                let kernel = self.kernel;
                let code = if self.arguments.no_code { Vec::new() } else { decode_code_as_script(line) };
                if !code.is_empty() {
                    let text = String::from_utf8_lossy(line);
                    let words: Vec<&str> = text.split_whitespace().collect();
                    writeln!(self.out, "{}", words.join(" "))?;
                    for instruction in code {
                        writeln!(self.out, "{instruction}")?;
                    }
                    return Ok(());
                }
                as_script(&mut self.out, line, &self.paths, &mut |what| match *what {
                    What::Named { function, offset, size, module, build_id } => {
                        kernel.named(Named { function, offset, size, module, build_id, exact: true })
                    }
                    What::Raw(_) => Answer::miss("the script looks names up only"),
                })?;
            }
            Format::Text => {
                let decoded = decoder.line(line);
                annotate(&mut self.out, line, &decoded, &self.paths)?;
                if !self.arguments.no_code {
                    for instruction in decode_code(line) {
                        writeln!(self.out, "{instruction}")?;
                    }
                }
            }
            Format::Json | Format::Jsonl => {
                for found in decoder.line(line) {
                    self.record(log, number, &found)?;
                }
            }
        }
        Ok(())
    }

    fn record(&mut self, log: &str, log_line: u64, found: &Decoded<'_>) -> anyhow::Result<()> {
        if self.arguments.output.format == Format::Json && !std::mem::take(&mut self.first) {
            self.out.write_all(b",")?;
        }
        write_record(&mut self.out, &self.paths, log, log_line, found)?;
        if self.arguments.output.format == Format::Jsonl {
            self.out.write_all(b"\n")?;
        }
        Ok(())
    }

    fn refusals(&mut self, decoder: &LogDecoder<'_>, log: &str) {
        for reason in decoder.refusals() {
            say(&format!("{log}: {reason}"));
            self.refused |= !self.arguments.force;
        }
    }

    /// Answers addresses of the image as addr2line does: they are taken as they are.
    fn addresses(&mut self, bytes: &[u8]) -> anyhow::Result<()> {
        let Some(binary) = self.kernel.binary() else { bail!("--addresses needs an ELF file") };
        let text = String::from_utf8_lossy(bytes);
        let words: Vec<&str> = text.split_whitespace().collect();
        let addresses: Vec<Option<u64>> =
            words.iter().map(|word| u64::from_str_radix(word.trim_start_matches("0x"), 16).ok()).collect();
        binary.prepare(&addresses.iter().flatten().copied().collect::<Vec<_>>());
        for (number, address) in addresses.into_iter().enumerate() {
            let places = address.map(|address| binary.places(address)).unwrap_or_default();
            if self.arguments.output.format != Format::Text {
                let answer = Answer { places, confidence: Confidence::Certain, reason: None, within: None };
                let spot = Spot::of_address(address.unwrap_or(0));
                self.record("-", number as u64 + 1, &Decoded { spot, answer })?;
                continue;
            }
            if places.is_empty() {
                self.out.write_all(b"??\n??:0\n")?;
            }
            for place in &places {
                let file = place.file.as_deref().map_or("??", |file| self.paths.shown(file));
                write!(self.out, "{}\n{file}:", place.function.as_deref().unwrap_or("??"))?;
                match place.line {
                    Some(line) => writeln!(self.out, "{line}")?,
                    None => self.out.write_all(b"?\n")?,
                }
            }
        }
        Ok(())
    }
}
