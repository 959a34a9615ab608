//! Where the bytes come from and go to.

#[cfg(all(unix, feature = "stdio"))]
mod descriptors;
mod duplex;
#[cfg(all(unix, feature = "stdio"))]
mod heartbeat;
mod io;
mod output;
#[cfg(all(unix, feature = "stdio"))]
mod shared_output;
#[cfg(all(unix, feature = "stdio"))]
mod stdio;

pub(crate) use duplex::Duplex;
pub(crate) use io::Io;
#[cfg(all(unix, feature = "stdio"))]
pub(crate) use stdio::Stdio;
