#![doc = include_str!("../README.md")]

mod archive;
mod checksum;
mod elf;
mod entry_module;
mod identifier;
mod key;
mod limits;
mod pattern;
mod secret;
mod selection;
mod signature;
mod unpack;

pub use self::archive::{File, MAX_FILES, MAX_PATH_BYTES, Package, PackageError, VERIFICATION_FILE};
pub use self::elf::{Arch, Binary, BinaryError, GLIBC_OF_THE_DAEMON, Linkage};
pub use self::entry_module::ENTRY_MODULE;
pub use self::identifier::UniqueIdentifier;
pub use self::key::{KeyError, PrivateKey, PublicKey};
pub use self::limits::{MAX_PACKAGE_BYTES, TooLarge};
pub use self::secret::Secret;
pub use self::selection::{LeftOut, Reason, Selection, SelectionError};
pub use self::signature::{Category, SignError, Signature, VerifyError};
pub use self::unpack::UnpackError;
