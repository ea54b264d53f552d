//! A QEMU machine, its control socket and its guest.
