//! Packages, compared with the daemon's own: `fixtures/` holds what its command line made of the same folders.
#![allow(clippy::unwrap_used, reason = "a scenario stops where it goes wrong")]

mod archive;
mod checksum;
mod elf;
mod folders;
mod hostile;
mod selection;
mod signature;
mod unpack;
