//! Compressed kernel images: extraction, kallsyms recovery, disassembly.
