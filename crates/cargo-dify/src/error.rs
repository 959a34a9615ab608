//! What can go wrong, and what to do about it.

use std::io;
use std::path::PathBuf;
use std::process::ExitStatus;
use std::sync::Arc;

use dify_plugin_host::{EndpointError, HostError, ScriptError, ServiceApiError, SessionFailure};
use dify_plugin_manifest::{Finding, IdentityError, ManifestError};
use dify_plugin_package::{
    BinaryError, KeyError, PackageError, SelectionError, SignError, TooLarge, UnpackError, VerifyError,
};
use serde_json::Value;

use crate::commands::install::{DaemonError, KEY};
use crate::declared::quoted;
use crate::keys;

/// What runs a plugin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Runner {
    /// Its own binary.
    Binary,
    /// Python.
    Python,
    /// Python, though the plugin is a Cargo package.
    PythonForPackage,
}

/// Why the command failed. Each is shown with its sources and with [`help`](Self::help).
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error("cannot start the runtime")]
    Runtime(#[source] io::Error),
    #[error("cannot read the plugin in `{}`", dir.display())]
    Manifest {
        dir: PathBuf,
        #[source]
        source: Box<ManifestError>,
    },
    #[error(transparent)]
    Script(ScriptError),
    #[error("cannot read the script `{}`", file.display())]
    NoScript {
        file: PathBuf,
        /// The file of that name in the plugin's folder, if there is one.
        in_plugin: Option<PathBuf>,
        #[source]
        source: Arc<io::Error>,
    },

    #[error(transparent)]
    ServiceApi(ServiceApiError),
    #[error("--app names an app of a Dify, but there is no --dify")]
    AppsWithoutDify,
    #[error("{} holds something else than keys", keys::VARIABLE)]
    KeysOfEnvironment,
    #[error("{0}")]
    Trial(String),

    #[error("cannot read the key of the app `{app}` from `{}`", file.display())]
    KeyFile {
        app: String,
        file: PathBuf,
        #[source]
        source: io::Error,
    },

    #[error("`{}` has no Cargo.toml, and no {entrypoint}.py for Python", dir.display())]
    NothingToRun { dir: PathBuf, entrypoint: String },
    #[error("--python has no effect here: `{}` has a Cargo.toml, so its binary is run", dir.display())]
    PythonUnused { dir: PathBuf },
    #[error("cannot run cargo (`{cargo}`)")]
    NoCargo {
        cargo: String,
        #[source]
        source: io::Error,
    },
    #[error("cargo could not build the plugin ({status})")]
    BuildFailed { status: ExitStatus, needs_zig: bool },
    #[error("`{}` builds no binary", dir.display())]
    NoBinary { dir: PathBuf },
    #[error("`{}` builds several binaries ({}), none of them named `{wanted}`", dir.display(), names.join(", "))]
    WhichBinary { dir: PathBuf, names: Vec<String>, wanted: String },
    #[error("the plugin could not be started")]
    Start {
        #[source]
        source: HostError,
        /// What was started.
        runner: Runner,
    },

    #[error("no tool `{name}` is declared")]
    NoSuchTool { name: String, tools: Vec<String> },
    #[error("the plugin declares no endpoints")]
    NoEndpoints,
    #[error("`{name}` is declared as {type_name}, and what was given for it can't be read as that")]
    WrongType { option: &'static str, name: String, type_name: String, example: String },
    #[error("cannot read the body from `{}`", file.display())]
    Data {
        file: PathBuf,
        #[source]
        source: io::Error,
    },

    #[error("the plugin could not be asked")]
    Ask(#[source] HostError),
    #[error(transparent)]
    Endpoint(EndpointError),
    #[error("the plugin answered with an error: {}", .0)]
    Answered(SessionFailure),
    #[error("the call failed: {0}")]
    Failed(SessionFailure),
    #[error("the endpoint answered with status {status}")]
    Status { status: http::StatusCode, help: Option<String> },
    #[error("cannot write the answer")]
    Write(#[source] io::Error),
    #[error("cannot save `{}`", file.display())]
    Save {
        file: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("interrupted")]
    Interrupted,

    #[error("cannot listen on 127.0.0.1:{port}")]
    Listen {
        port: u16,
        #[source]
        source: io::Error,
    },
    #[error("the daemon's key is not in the environment")]
    NoKey,
    #[error("cannot read the package `{}`", file.display())]
    NoPackage {
        file: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("{}", which_package(packages))]
    WhichPackage { packages: Vec<PathBuf> },
    #[error("`{}` is not a package the daemon reads", file.display())]
    BadPackage {
        file: PathBuf,
        #[source]
        source: PackageError,
    },
    #[error("the plugin has no name")]
    NoName,
    #[error("{0}")]
    BadName(String),
    #[error("`{}` is there already, and nothing is overwritten", path.display())]
    Exists { path: PathBuf },
    #[error("{}", found(*errors, *warnings))]
    Findings { errors: usize, warnings: usize },
    #[error("the plugin does not describe itself")]
    NoDescription {
        #[source]
        source: io::Error,
    },
    #[error("the daemon would not install this plugin")]
    Identifier(#[from] IdentityError),
    #[error("cannot take the plugin's files together")]
    Selection(#[from] SelectionError),
    #[error("the files make no package")]
    Pack(#[from] PackageError),
    #[error("the package lacks what the plugin declares: {0}")]
    Incomplete(String),
    #[error("{}", .0.message)]
    Unstartable(Box<Finding>),
    #[error("cannot unpack the package")]
    Unpack(#[from] UnpackError),
    #[error("the toolchain cannot build for {missing}: the standard library for it is not installed")]
    NoTarget { missing: String },
    #[error("the manifest lists no processor under `meta.arch` that plugins run on (amd64, arm64)")]
    NoArch,
    #[error("`{path}` can't go into the package")]
    Binary {
        path: String,
        #[source]
        source: BinaryError,
    },
    #[error("the package is too large for the daemon")]
    TooLarge(#[from] TooLarge),

    #[error("cannot read the key `{}`", file.display())]
    NoKeyFile {
        file: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("`{}` is no key to use here", file.display())]
    BadKey {
        file: PathBuf,
        #[source]
        source: KeyError,
    },
    #[error("no key could be made")]
    Keygen(#[source] KeyError),
    #[error("the package could not be signed")]
    Sign(#[from] SignError),
    #[error("the signature of `{}` does not hold", file.display())]
    Unverified {
        file: PathBuf,
        #[source]
        source: VerifyError,
    },
    #[error("the clock stands before 1970")]
    Clock,

    #[error(transparent)]
    Daemon(#[from] DaemonError),
    #[error("the daemon could not install it: {}", if message.is_empty() { "it says nothing more" } else { message.trim() })]
    InstallFailed { message: String },
}

/// How much is wrong, for people.
pub(crate) fn found(errors: usize, warnings: usize) -> String {
    format!("{}, {}", counted(errors, "error"), counted(warnings, "warning"))
}

/// So many of something, for people.
pub(crate) fn counted(number: usize, what: &str) -> String {
    format!("{number} {what}{}", if number == 1 { "" } else { "s" })
}

fn which_package(packages: &[PathBuf]) -> String {
    match packages {
        [] => "there is no .difypkg in this folder".to_owned(),
        several => {
            let names: Vec<_> = several.iter().map(|path| path.display().to_string()).collect();
            format!("there are several packages in this folder: {}", names.join(", "))
        }
    }
}

impl Error {
    /// What to do about it, where that isn't plain.
    pub(crate) fn help(&self) -> Option<String> {
        let text = match self {
            Self::Manifest { source, .. } if source.finding().code == ManifestError::NO_MANIFEST => {
                "`cargo dify dev DIR` runs the plugin in DIR, `cargo dify call DIR …` asks it one thing".to_owned()
            }
            Self::NoScript { in_plugin, .. } => {
                let here = "its path counts from the current folder, not from the plugin's";
                match in_plugin {
                    Some(file) => format!("{here}; there is --script {}", quoted(&file.to_string_lossy())),
                    None => here.to_owned(),
                }
            }
            Self::AppsWithoutDify => "say where it is with --dify URL, as in https://api.dify.ai/v1".to_owned(),
            Self::KeysOfEnvironment => {
                format!("write {}=\"ID=KEY ID=KEY\", in the environment or in the plugin's .env", keys::VARIABLE)
            }
            Self::NothingToRun { entrypoint, .. } => {
                format!("a plugin is a Cargo package, or a Python module named by `meta.runner.entrypoint` ({entrypoint})")
            }
            Self::PythonUnused { .. } => "add --as-daemon to start the entrypoint, or drop --python".to_owned(),
            Self::NoBinary { .. } => "give the package a src/main.rs".to_owned(),
            Self::WhichBinary { wanted, .. } => format!("name the plugin's binary `{wanted}`, after its package"),
            Self::Start { source: HostError::Spawn { .. }, runner: Runner::Python | Runner::PythonForPackage } => {
                "install Python 3.12, or say where it is with --python".to_owned()
            }
            Self::Start { runner: Runner::PythonForPackage, .. } => {
                "--as-daemon builds nothing: the folder must hold what a package holds, the binary too".to_owned()
            }
            Self::Start { source: HostError::FailedToStart(exit), runner: Runner::Python }
                if exit.stderr.contains("No module named 'dify_plugin'") =>
            {
                "install the plugin's requirements.txt into a .venv in its folder, or give a Python that has them with \
                 --python"
                    .to_owned()
            }
            Self::Start { source: HostError::FailedToStart(exit), runner }
                if exit.status.is_some_and(|status| status.success()) =>
            {
                let how = match runner {
                    Runner::Binary => "does `main` end in `Plugin::new()….run()`?",
                    _ => "does it end in `plugin.run()`?",
                };
                format!("a plugin runs until its stdin is closed; {how}")
            }
            Self::NoSuchTool { tools, .. } if tools.is_empty() => "the plugin declares no tools".to_owned(),
            Self::NoSuchTool { tools, .. } => format!("there is: {}", tools.join(", ")),
            Self::NoEndpoints => "name an endpoint group in the manifest, under `plugins.endpoints`".to_owned(),
            Self::Status { help, .. } => return help.clone(),
            Self::WrongType { example, .. } => format!("write it as in {example}"),
            Self::NoName => "name it, as in `cargo dify new my-plugin`".to_owned(),
            Self::Exists { .. } => "choose another name, or a folder that is empty".to_owned(),
            Self::NoDescription { .. } => {
                "does `main` end in `Plugin::new()….run()`, of a dify-plugin as new as cargo-dify? --no-build looks at the \
                 declarations alone"
                    .to_owned()
            }
            Self::NoKey => format!("set {KEY} to the daemon's SERVER_KEY"),
            Self::NoTarget { missing } => format!("rustup target add {missing}"),
            Self::BuildFailed { needs_zig: true, .. } => "if a dependency has no C compiler for the target: `cargo install cargo-zigbuild`, install zig, and add --zig".to_owned(),
            Self::NoArch => "list `amd64`, `arm64` or both there".to_owned(),
            Self::Incomplete(_) => {
                "the folder has it, so .difyignore (or .gitignore, where there is none) leaves it out".to_owned()
            }
            Self::Unstartable(finding) => finding.help.clone(),
            Self::TooLarge(TooLarge { largest, .. })
            | Self::Selection(SelectionError::TooLarge(TooLarge { largest, .. })) => {
                let largest: Vec<_> =
                    largest.iter().map(|(path, bytes)| format!("{path} ({} KiB)", bytes.div_ceil(1024))).collect();
                format!("the largest files: {}; name in .difyignore what the daemon doesn't need", largest.join(", "))
            }
            Self::BadKey { source: KeyError::NoBlock(_), .. } => {
                "`cargo dify keygen` makes a pair: sign with NAME.private.pem, verify with NAME.public.pem".to_owned()
            }
            Self::WhichPackage { packages } if packages.is_empty() => {
                "`cargo dify package` makes one; or name it after the URL".to_owned()
            }
            Self::WhichPackage { .. } => "name one of them after the URL".to_owned(),
            Self::Daemon(DaemonError::Refused { error_type, .. }) if error_type == "PluginDaemonUnauthorizedError" => {
                format!("{KEY} must be the daemon's SERVER_KEY")
            }
            Self::Daemon(DaemonError::Refused { message, .. }) if message.contains("bad signature") => {
                "sign the package with a key that the daemon knows (`cargo dify sign`), or set its FORCE_VERIFYING_SIGNATURE \
                 to false"
                    .to_owned()
            }
            Self::Daemon(DaemonError::Unreachable(_) | DaemonError::Foreign { .. }) => {
                "the URL is that of the plugin daemon (port 5002 as a rule), not Dify's".to_owned()
            }
            Self::Listen { .. } => "choose another port with --port, or 0 for a free one".to_owned(),
            _ => return None,
        };
        Some(text)
    }

    /// What else the plugin said about its error, such as a traceback.
    pub(crate) fn details(&self) -> Vec<(&str, String)> {
        let Self::Answered(SessionFailure::Plugin(data)) = self else { return Vec::new() };
        let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        data.args.iter().map(|(name, value)| (&**name, text(value))).collect()
    }

    /// Sorts a session's failure by whose words it has.
    pub(crate) fn from_session(failure: SessionFailure) -> Self {
        match failure {
            SessionFailure::Plugin(_) => Self::Answered(failure),
            failure => Self::Failed(failure),
        }
    }
}

impl From<EndpointError> for Error {
    fn from(error: EndpointError) -> Self {
        match error {
            EndpointError::Failed(failure) => Self::from_session(failure),
            EndpointError::Host(error) => Self::Ask(error),
            other => Self::Endpoint(other),
        }
    }
}
