//! Downloads a file's bytes.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use bytes::{Bytes, BytesMut};

use super::File;

/// The largest file that [`File::bytes`] reads, in bytes: 100 MiB, which is Dify's default limit for uploads.
pub const DEFAULT_LIMIT: usize = 104_857_600;

/// The default of HTTPX_TIMEOUT in the official SDK.
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(5);

/// Why a file could not be downloaded. No variant shows the URL, which grants access to the file.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum FileError {
    /// Dify sent a path without a host. The operator has to set FILES_URL.
    #[error(
        "the file's URL is relative; set FILES_URL, for Dify or for the plugin, to the address at which Dify serves files"
    )]
    RelativeUrl,
    /// The server responded with an error. Links expire after some minutes.
    #[error("the file's server responded with status {status}; the link may have expired")]
    Refused {
        /// The HTTP status.
        status: u16,
    },
    /// The file is larger than the limit.
    #[error("the file is larger than {limit} bytes; `bytes_up_to` takes a higher limit")]
    TooLarge {
        /// The limit, in bytes.
        limit: usize,
    },
    /// The server could not be reached, or the connection broke. Trying again may help.
    #[error("downloading the file failed")]
    Http(#[source] Arc<reqwest::Error>),
}

impl From<reqwest::Error> for FileError {
    fn from(error: reqwest::Error) -> Self {
        Self::Http(Arc::new(error.without_url()))
    }
}

/// How files are downloaded, for the whole process: a `File` among the author's parameters has no reference to the plugin.
#[derive(Debug, Clone)]
pub(crate) struct Downloads {
    base: Option<String>,
    timeout: Duration,
    client: OnceLock<reqwest::Client>,
}

static DOWNLOADS: OnceLock<Downloads> = OnceLock::new();

impl Downloads {
    /// `base` is FILES_URL, `timeout` is HTTPX_TIMEOUT, for connecting and for each read.
    pub(crate) fn new(base: Option<String>, timeout: Option<Duration>) -> Self {
        Self { base, timeout: timeout.unwrap_or(DEFAULT_TIMEOUT), client: OnceLock::new() }
    }

    /// Makes these the process's settings, unless there are some already.
    pub(crate) fn install(self) {
        let _ = DOWNLOADS.set(self);
    }

    fn of_the_process() -> &'static Self {
        DOWNLOADS.get_or_init(|| Self::new(std::env::var("FILES_URL").ok(), None))
    }

    fn client(&self) -> Result<&reqwest::Client, FileError> {
        if let Some(client) = self.client.get() {
            return Ok(client);
        }
        // An error means that the program has installed a provider of its own.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client =
            reqwest::Client::builder().connect_timeout(self.timeout).read_timeout(self.timeout).build()?;
        Ok(self.client.get_or_init(|| client))
    }

    fn absolute(&self, url: &str) -> Result<String, FileError> {
        if url.starts_with("http://") || url.starts_with("https://") {
            return Ok(url.to_owned());
        }
        let base = self.base.as_deref().ok_or(FileError::RelativeUrl)?;
        Ok(format!("{}/{}", base.trim_end_matches('/'), url.trim_start_matches('/')))
    }

    async fn fetch(&self, file: &File, limit: usize) -> Result<Bytes, FileError> {
        let url = self.absolute(file.url())?;
        let mut response = self.client()?.get(url).send().await?;
        if !response.status().is_success() {
            return Err(FileError::Refused { status: response.status().as_u16() });
        }
        let announced = response.content_length().unwrap_or(0);
        if usize::try_from(announced).map_or(true, |length| length > limit) {
            return Err(FileError::TooLarge { limit });
        }
        let mut bytes = BytesMut::new();
        while let Some(chunk) = response.chunk().await? {
            if bytes.len() + chunk.len() > limit {
                return Err(FileError::TooLarge { limit });
            }
            bytes.extend_from_slice(&chunk);
        }
        Ok(bytes.freeze())
    }
}

impl File {
    /// Downloads the file, up to [`DEFAULT_LIMIT`].
    ///
    /// A relative URL is appended to FILES_URL. The download fails if the server sends nothing for HTTPX_TIMEOUT, 5 s by
    /// default.
    ///
    /// # Errors
    ///
    /// See [`FileError`].
    pub async fn bytes(&self) -> Result<Bytes, FileError> {
        self.bytes_up_to(DEFAULT_LIMIT).await
    }

    /// Downloads the file if it has at most `limit` bytes.
    ///
    /// # Errors
    ///
    /// See [`FileError`].
    pub async fn bytes_up_to(&self, limit: usize) -> Result<Bytes, FileError> {
        Downloads::of_the_process().fetch(self, limit).await
    }
}
