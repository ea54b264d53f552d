//! A log, line by line: the places it names, decoded; the boots in it, each with its load offset and its identity.

use super::answer::{Answer, Confidence, Named};
use super::identity::{Statement, fits, refusal, statement};
use super::kernel::Kernel;
use super::names::SymbolTable;
use super::offset::{LoadOffset, from_kallsyms, inferred, stated};
use super::spot::{Spot, What, spots};
use std::collections::BTreeSet;

/// A place that a line names, and what it stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decoded<'line> {
    /// Where in the line.
    pub spot: Spot<'line>,
    /// What it stands for.
    pub answer: Answer,
}

/// How a log is to be decoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct LogOptions {
    /// Decode even what another kernel wrote, marked as doubtful.
    pub force: bool,
    /// A load offset that the user knows.
    pub offset: Option<u64>,
}

/// What is known of one boot.
#[derive(Debug, Clone, Default)]
struct Boot {
    offset: Option<LoadOffset>,
    /// Whether the banner or a build id fitted.
    certain: bool,
    refused: Option<String>,
}

/// Decodes one log. State runs along: give it every line, in order.
#[derive(Debug)]
pub struct LogDecoder<'kernel> {
    kernel: &'kernel Kernel,
    options: LogOptions,
    boots: Vec<Boot>,
    boot: usize,
    begun: bool,
    modules: Option<&'kernel SymbolTable>,
    base: Option<LoadOffset>,
    /// Whether the line before is one after which an exception's program counter follows unmarked (arm64, riscv).
    after_exception: bool,
    refusals: Vec<String>,
}

impl<'kernel> LogDecoder<'kernel> {
    /// A decoder for one log.
    #[must_use]
    pub fn new(kernel: &'kernel Kernel, options: LogOptions) -> Self {
        let base = options.offset.map(|offset| LoadOffset {
            offset,
            confidence: Confidence::Certain,
            source: "--kaslr-offset",
        });
        Self {
            kernel,
            options,
            boots: vec![Boot { offset: base, ..Boot::default() }],
            boot: 0,
            begun: false,
            modules: None,
            base,
            after_exception: false,
            refusals: Vec::new(),
        }
    }

    /// Uses a saved `/proc/kallsyms` of the running kernel: `symbols` those of the kernel, `modules` those of its modules,
    /// named `function [module]`.
    pub fn with_kallsyms(&mut self, symbols: &SymbolTable, modules: &'kernel SymbolTable) {
        self.modules = Some(modules);
        self.base = self.base.or_else(|| from_kallsyms(self.kernel, symbols));
        for boot in &mut self.boots {
            boot.offset = self.base;
        }
    }

    /// Looks through a whole log first, for what is said only later: the load offset is printed when the kernel dies.
    /// Reads the debug information that the log will need on all processors.
    pub fn survey(&mut self, log: &[u8]) {
        let mut boots = vec![Boot { offset: self.base, ..Boot::default() }];
        let mut returns: Vec<BTreeSet<u64>> = vec![BTreeSet::new()];
        let mut wanted: BTreeSet<Named<'_>> = BTreeSet::new();
        let mut begun = false;
        for line in log.split(|byte| *byte == b'\n') {
            if let Some(Statement::Banner(_)) = statement(line) {
                if begun {
                    boots.push(Boot { offset: self.base, ..Boot::default() });
                    returns.push(BTreeSet::new());
                }
                begun = true;
            }
            let (Some(boot), Some(returns)) = (boots.last_mut(), returns.last_mut()) else { return };
            begun |= !line.trim_ascii().is_empty();
            if boot.offset.is_none() {
                boot.offset = stated(line);
            }
            for spot in spots(line) {
                match spot.what {
                    What::Named { function, offset, size, module, build_id } => {
                        wanted.insert(Named { function, offset, size, module, build_id, exact: spot.exact });
                        if boot.offset.is_none() {
                            boot.offset = self.shown(&spot);
                        }
                    }
                    What::Raw(address) if !spot.exact => {
                        returns.insert(address);
                    }
                    What::Raw(_) => {}
                }
            }
        }
        for (boot, returns) in boots.iter_mut().zip(&returns) {
            if boot.offset.is_none() {
                boot.offset = inferred(self.kernel, returns);
            }
        }
        self.kernel.prepare(&wanted.into_iter().collect::<Vec<_>>());
        self.boots = boots;
    }

    /// The load offset that a line shows by printing both the name and the address of a place.
    fn shown(&self, spot: &Spot<'_>) -> Option<LoadOffset> {
        let What::Named { function, offset, size, module: None, .. } = spot.what else { return None };
        let address = spot.address.filter(|address| address >> 48 == 0xffff)?;
        let mut fitting =
            self.kernel.symbols()?.named(function).filter(|symbol| symbol.span == size || symbol.size == size);
        let symbol = fitting.next().filter(|_| fitting.next().is_none())?;
        let offset = address.wrapping_sub(offset).wrapping_sub(symbol.address);
        Some(LoadOffset { offset, confidence: Confidence::Certain, source: "a line with name and address" })
    }

    /// Decodes the next line (its line end may be there or not).
    pub fn line<'line>(&mut self, line: &'line [u8]) -> Vec<Decoded<'line>> {
        self.learn(line);
        let after_exception = std::mem::take(&mut self.after_exception);
        let mut decoded = Vec::new();
        for mut spot in spots(line) {
            if let What::Named { function, .. } = &spot.what {
                spot.exact |= after_exception;
                self.after_exception |= is_exception_entry(function);
            }
            let answer = self.answer(&spot);
            decoded.push(Decoded { spot, answer });
        }
        decoded
    }

    fn learn(&mut self, line: &[u8]) {
        if let Some(said) = statement(line) {
            if matches!(said, Statement::Banner(_)) {
                if self.begun {
                    self.boot += 1;
                    if self.boot >= self.boots.len() {
                        self.boots.push(Boot { offset: self.base, ..Boot::default() });
                    }
                }
                self.begun = true;
            }
            let verdict = fits(self.kernel, said);
            if let Some(boot) = self.boots.get_mut(self.boot) {
                match verdict {
                    Some(true) => {
                        boot.certain = true;
                        boot.refused = None;
                    }
                    // A damaged header line in a log whose banner fits proves nothing.
                    Some(false) if !boot.certain && boot.refused.is_none() => {
                        let reason = refusal(self.kernel, said);
                        if !self.refusals.contains(&reason) {
                            self.refusals.push(reason.clone());
                        }
                        boot.refused = Some(reason);
                    }
                    _ => {}
                }
            }
        }
        self.begun |= !line.trim_ascii().is_empty();
        if let Some(boot) = self.boots.get_mut(self.boot)
            && boot.offset.is_none()
        {
            boot.offset = stated(line);
        }
    }

    fn answer(&mut self, spot: &Spot<'_>) -> Answer {
        let boot = self.boots.get(self.boot).cloned().unwrap_or_default();
        if boot.refused.is_some() && !self.options.force {
            return Answer::miss("the image is of another kernel");
        }
        let mut answer = match spot.what {
            What::Named { function, offset, size, module, build_id } => {
                if boot.offset.is_none() {
                    let shown = self.shown(spot);
                    if let Some(boot) = self.boots.get_mut(self.boot) {
                        boot.offset = shown;
                    }
                }
                self.kernel.named(Named { function, offset, size, module, build_id, exact: spot.exact })
            }
            What::Raw(address) => self.raw(address, spot.exact, boot.offset),
        };
        if let Some(refused) = boot.refused {
            answer.confidence = Confidence::Doubtful;
            answer.reason = Some(refused);
        }
        answer
    }

    fn raw(&self, address: u64, exact: bool, offset: Option<LoadOffset>) -> Answer {
        if let Some(symbol) = self.modules.and_then(|modules| modules.covering(address.wrapping_sub(u64::from(!exact))))
            && let Some((function, module)) = symbol.name.strip_suffix(']').and_then(|name| name.split_once(" ["))
            && address - symbol.address <= symbol.span
        {
            let named = Named {
                function,
                offset: address - symbol.address,
                size: symbol.span,
                module: Some(module),
                build_id: None,
                exact,
            };
            let mut answer = self.kernel.named(named);
            answer.within = Some((function.to_owned(), named.offset, named.size));
            return answer;
        }
        let Some(offset) = offset else {
            return Answer::miss("nothing says where the kernel was loaded (--kallsyms FILE or --kaslr-offset N)");
        };
        let mut answer = self.kernel.linked(address.wrapping_sub(offset.offset), exact, offset.confidence);
        if answer.reason.is_none() && offset.confidence < Confidence::Certain {
            answer.reason = Some(format!("load offset {:#x} {}", offset.offset, offset.source));
        }
        answer
    }

    /// The load offset of the boot that is being read, as far as it is known.
    #[must_use]
    pub fn offset(&self) -> Option<LoadOffset> {
        self.boots.get(self.boot).and_then(|boot| boot.offset)
    }

    /// Why parts of the log were refused; empty if the image fits as far as can be determined.
    #[must_use]
    pub fn refusals(&self) -> &[String] {
        &self.refusals
    }
}

/// Functions that the processor enters by itself: the frame above them shows the program counter where it did.
fn is_exception_entry(function: &str) -> bool {
    (function.starts_with("el1") || function.starts_with("el0")) && !function.contains("handler")
        || matches!(function, "ret_from_exception" | "handle_exception" | "handle_kernel_stack_overflow")
}
