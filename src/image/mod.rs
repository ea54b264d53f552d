//! Kernel images as they are booted: unpacked, their symbols recovered, their code read.

mod code_line;
mod disassemble;
mod extract;
mod kallsyms;
mod kernel_image;
mod lock_calls;
mod origin;
mod payload;

pub use code_line::{CodeBytes, code_bytes, decode_code, decode_code_as_script};
pub use disassemble::{Line, disassemble};
pub use extract::write_elf;
pub use kallsyms::{AddressForm, Kallsyms, Recovered, recover};
pub use kernel_image::{ImageSymbols, KernelImage};
pub use lock_calls::{Action, LockCall, lock_action, lock_calls};
pub use payload::{ImageError, Payload, Shape, is_boot_image, open_payload, payload_of};
