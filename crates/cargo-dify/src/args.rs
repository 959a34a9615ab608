//! The command line.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::error::{ContextKind, ContextValue};
use clap::{Args, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;
use dify_plugin_package::Arch;
use http::{HeaderName, HeaderValue, Method, Uri};

use crate::assignment::Assignment;
use crate::keys::AppKey;

/// Makes, runs, calls and installs Dify plugins
#[derive(Debug, Parser)]
#[command(name = "cargo dify", bin_name = "cargo dify", version)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    New(New),
    Dev(Dev),
    Call(Call),
    Check(Check),
    Package(Package),
    Test(Test),
    Inspect(Inspect),
    Keygen(Keygen),
    Sign(Sign),
    Verify(Verify),
    Install(Install),
    Completions(Completions),
    Man(Man),
}

/// Makes a plugin to begin with: it builds, passes its test, checks clean and packs as it is
///
/// What isn't said is asked at a terminal, and as is usual elsewhere. Nothing that is there is ever overwritten.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  cargo dify new                       # asks
  cargo dify new weather --author pond
  cargo dify new hooks --kind endpoint --description 'Takes web hooks'")]
pub(crate) struct New {
    /// The folder to make; its last part is the plugin's name
    #[arg(value_name = "NAME")]
    pub(crate) path: Option<PathBuf>,

    /// What the plugin offers [default: tool]
    #[arg(long, value_enum)]
    pub(crate) kind: Option<PluginKind>,

    /// Who makes it, as Dify shows it [default: who is logged in]
    #[arg(long, value_name = "NAME")]
    pub(crate) author: Option<String>,

    /// What it does, in a sentence
    #[arg(long, value_name = "TEXT")]
    pub(crate) description: Option<String>,

    /// The `crates` folder to take dify-plugin from [default: that from which this command was built, else the registry's]
    #[arg(long, value_name = "DIR")]
    pub(crate) crates: Option<PathBuf>,

    /// Write what was made to stdout as one JSON object
    #[arg(long)]
    pub(crate) json: bool,
}

/// What a new plugin offers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum PluginKind {
    /// A tool, for workflows and agents
    Tool,
    /// An endpoint, for whoever has its URL
    Endpoint,
}

impl PluginKind {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Tool => "tool",
            Self::Endpoint => "endpoint",
        }
    }
}

/// Runs a plugin, serves its endpoints on this machine and shows what it does, until Ctrl-C; starts it anew when it changes
#[derive(Debug, Clone, Args)]
pub(crate) struct Dev {
    /// The plugin's folder, the one with manifest.yaml
    #[arg(default_value = ".")]
    pub(crate) dir: PathBuf,

    /// The port to serve the endpoints on; 0 takes a free one
    #[arg(long, value_name = "N", default_value_t = 8787)]
    pub(crate) port: u16,

    /// A setting of the endpoints, as `name=value` or `name:=json`; may be repeated
    #[arg(long = "setting", value_name = "NAME=VALUE")]
    pub(crate) settings: Vec<Assignment>,

    #[command(flatten)]
    pub(crate) launch: Launch,
}

/// Starts a plugin, asks it one thing, and writes the answer to stdout as it comes
#[derive(Debug, Args)]
pub(crate) struct Call {
    /// The plugin's folder, the one with manifest.yaml, or a package, which is unpacked and started as the daemon does it
    #[arg(value_name = "DIR|PACKAGE")]
    pub(crate) plugin: PathBuf,

    /// Write the raw messages instead, one JSON object a line
    #[arg(long, global = true)]
    pub(crate) json: bool,

    #[command(flatten)]
    pub(crate) launch: Launch,

    #[command(subcommand)]
    pub(crate) target: Target,
}

/// Says all that is wrong with a plugin's declarations, and whether they are what its code registers
///
/// An error is what the daemon refuses, or what can't work: then the exit code is 1. A warning is what the daemon takes and drops,
/// or reads otherwise than it is written. The plugin is built, and asked for its tools by starting it with DIFY_PLUGIN_DESCRIBE=1;
/// of a package, the binary for this machine, if `--run` is given.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  cargo dify check
  cargo dify check --strict --target marketplace
  cargo dify check duck-0.0.1.difypkg --json | jq '.findings[] | select(.severity == \"error\")'")]
pub(crate) struct Check {
    /// The plugin's folder, the one with manifest.yaml, or a package
    #[arg(value_name = "DIR|PACKAGE", default_value = ".")]
    pub(crate) plugin: PathBuf,

    /// Where the plugin is to be installed
    #[arg(long, value_enum, default_value_t = CheckTarget::Local)]
    pub(crate) target: CheckTarget,

    /// Look at the declarations alone: build nothing and start nothing
    #[arg(long)]
    pub(crate) no_build: bool,

    /// Start the binary that is in a package too, to ask it what it registers: only for one that you trust
    #[arg(long, conflicts_with = "no_build")]
    pub(crate) run: bool,

    /// Exit with 1 for warnings too
    #[arg(long)]
    pub(crate) strict: bool,

    /// Write the findings to stdout as one JSON object
    #[arg(long)]
    pub(crate) json: bool,
}

/// Where a plugin is to be installed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum CheckTarget {
    /// In a Dify of one's own
    Local,
    /// In a Dify that takes signed plugins only and runs them elsewhere
    Cloud,
    /// In Dify's marketplace, for which people look at it too
    Marketplace,
}

/// Builds a plugin for Linux and makes the package that a daemon installs
///
/// One package holds a static binary for each processor that the manifest lists under `meta.arch`, a small Python module that
/// replaces itself with the right one (the daemon starts Python alone), and the plugin's files but for what .difyignore names.
/// Cargo's output, secrets such as .env, version control and other packages never go in. The same files give the same bytes.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  cargo dify package
  cargo dify package examples/duck -o duck.difypkg --target amd64
  cargo dify package --zig            # for dependencies in C: needs cargo-zigbuild
  cargo dify package --no-build       # packs bin/plugin-linux-amd64 and -arm64 as they are")]
pub(crate) struct Package {
    /// The plugin's folder, the one with manifest.yaml
    #[arg(default_value = ".")]
    pub(crate) dir: PathBuf,

    /// Where to write the package [default: NAME-VERSION.difypkg in this folder]
    #[arg(short, long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,

    /// A processor to build for, amd64 or arm64; may be repeated [default: what the manifest lists under `meta.arch`]
    #[arg(long = "target", value_name = "ARCH", value_parser = arch)]
    pub(crate) targets: Vec<Arch>,

    /// The C library to link
    #[arg(long, value_enum, default_value_t = Libc::Musl)]
    pub(crate) libc: Libc,

    /// The cargo profile to build with, as it stands in Cargo.toml [default: that of releases, made small]
    #[arg(long, value_name = "NAME")]
    pub(crate) profile: Option<String>,

    /// Build with cargo-zigbuild, which brings a C compiler for every target: for dependencies that need one
    #[arg(long)]
    pub(crate) zig: bool,

    /// Build nothing: pack the binaries that are in the plugin's bin folder
    #[arg(long, conflicts_with_all = ["targets", "libc", "profile", "zig"])]
    pub(crate) no_build: bool,

    /// Write what was made to stdout as one JSON object
    #[arg(long)]
    pub(crate) json: bool,
}

/// A C library to link.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Libc {
    /// Statically: the binary runs on any Linux
    Musl,
    /// Dynamically: it needs at least the glibc it was built with
    Gnu,
}

/// Unpacks a package and runs it as the daemon would, and says whether it holds together
///
/// Every file is unpacked with mode 0644, the entry module is started with Python; then the plugin must send a heartbeat, answer a
/// request, write nothing on stdout that isn't the protocol, and exit once its input is closed. `cargo dify call PACKAGE …` asks a
/// package what you want.
#[derive(Debug, Args)]
#[command(after_help = "Example:
  cargo dify test duck-0.0.1.difypkg")]
pub(crate) struct Test {
    /// The package
    pub(crate) package: PathBuf,

    /// The Python for the entry module [default: python3]
    #[arg(long, value_name = "PATH")]
    pub(crate) python: Option<PathBuf>,

    /// Write the result to stdout as one JSON object
    #[arg(long)]
    pub(crate) json: bool,
}

/// Tells what is in a package
#[derive(Debug, Args)]
#[command(after_help = "Example:
  cargo dify inspect duck-0.0.1.difypkg")]
pub(crate) struct Inspect {
    /// The package
    pub(crate) package: PathBuf,

    /// Write it to stdout as one JSON object
    #[arg(long)]
    pub(crate) json: bool,
}

/// Makes a pair of keys to sign packages with
#[derive(Debug, Args)]
#[command(after_help = "Example:
  cargo dify keygen my-company     # my-company.private.pem, my-company.public.pem")]
pub(crate) struct Keygen {
    /// What the two files are called, before .private.pem and .public.pem
    #[arg(default_value = "dify_plugin_signing_key")]
    pub(crate) name: PathBuf,

    /// Write the files' names to stdout as one JSON object
    #[arg(long)]
    pub(crate) json: bool,
}

/// Signs a package, in place of an earlier signature
///
/// The signed package has another checksum, and so another unique identifier.
#[derive(Debug, Args)]
#[command(after_help = "Example:
  cargo dify sign duck-0.0.1.difypkg --key my-company.private.pem")]
pub(crate) struct Sign {
    /// The package
    pub(crate) package: PathBuf,

    /// The private key's file
    #[arg(short, long, value_name = "FILE")]
    pub(crate) key: PathBuf,

    /// In whose name
    #[arg(short, long, value_enum, default_value_t = SignCategory::Community)]
    pub(crate) category: SignCategory,

    /// Where to write the signed package [default: beside it, as NAME.signed.difypkg]
    #[arg(short, long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,

    /// Write what was made to stdout as one JSON object
    #[arg(long)]
    pub(crate) json: bool,
}

/// In whose name a package is signed.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum SignCategory {
    /// Dify's makers, as the daemon's own CLI has it unless told otherwise
    Langgenius,
    /// A partner of Dify's makers
    Partner,
    /// Anybody
    Community,
}

/// Checks a package's signature
#[derive(Debug, Args)]
#[command(after_help = "Example:
  cargo dify verify duck-0.0.1.signed.difypkg --key my-company.public.pem")]
pub(crate) struct Verify {
    /// The package
    pub(crate) package: PathBuf,

    /// The public key's file
    #[arg(short, long, value_name = "FILE")]
    pub(crate) key: PathBuf,

    /// Write the result to stdout as one JSON object
    #[arg(long)]
    pub(crate) json: bool,
}

/// Installs a package into a running plugin daemon, or puts it in an older version's place
///
/// The daemon's key (its SERVER_KEY) is read from the environment variable PLUGIN_DAEMON_KEY. What this does is what Dify does
/// when a package is uploaded on its plugins page, through the daemon's management API.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  cargo dify install http://127.0.0.1:5002 --tenant 1a2b3c4d-… duck-0.0.1.difypkg
  PLUGIN_DAEMON_KEY=… cargo dify install http://plugin_daemon:5002 --tenant 1a2b3c4d-… --json")]
pub(crate) struct Install {
    /// The daemon's address, as in http://127.0.0.1:5002
    #[arg(value_parser = daemon_url)]
    pub(crate) url: String,

    /// The package [default: the only .difypkg in this folder]
    pub(crate) package: Option<PathBuf>,

    /// The id of the workspace to install it for: the `id` in Dify's table `tenants`
    #[arg(long, value_name = "ID", value_parser = tenant)]
    pub(crate) tenant: String,

    /// Write the result to stdout as one JSON object
    #[arg(long)]
    pub(crate) json: bool,
}

/// Writes the completions of a shell to stdout
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  cargo dify completions bash > ~/.local/share/bash-completion/completions/cargo-dify
  cargo dify completions zsh > ~/.zfunc/_cargo-dify     # completes `cargo dify` too
  cargo dify completions fish > ~/.config/fish/completions/cargo-dify.fish")]
pub(crate) struct Completions {
    /// The shell
    #[arg(value_enum)]
    pub(crate) shell: Shell,
}

/// Writes the manual pages into a folder, cargo-dify.1 and one for each command
#[derive(Debug, Args)]
#[command(after_help = "Example:
  cargo dify man ~/.local/share/man/man1    # then: man cargo-dify, and: cargo help dify")]
pub(crate) struct Man {
    /// The folder; it is made if it isn't there
    pub(crate) dir: PathBuf,
}

/// How the plugin is started, and what answers its calls.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct Launch {
    /// The YAML or JSON file that says what Dify apps answer when the plugin calls them
    #[arg(long, value_name = "FILE", global = true)]
    pub(crate) script: Option<PathBuf>,

    /// The address of a Dify whose apps answer, as in `https://api.dify.ai/v1`; needs a key for each app
    #[arg(long, value_name = "URL", global = true)]
    pub(crate) dify: Option<String>,

    /// An app of that Dify, as `ID=KEY`, or `ID=@FILE` for a key that is in a file; may be repeated, and DIFY_APP_KEYS in the
    /// environment or the plugin's .env may hold more; apps without a key are those of the script
    #[arg(long = "app", value_name = "ID=KEY", global = true)]
    pub(crate) apps: Vec<AppKey>,

    /// The folder for what the plugin stores [default: .dify/storage in the plugin's folder]
    #[arg(long, value_name = "DIR", global = true)]
    pub(crate) storage: Option<PathBuf>,

    /// Start the manifest's entrypoint with Python, as the daemon does, also where there is a Cargo.toml; builds nothing
    #[arg(long, global = true)]
    pub(crate) as_daemon: bool,

    /// The Python for an entrypoint [default: that of the folder's .venv, else python3]
    #[arg(long, value_name = "PATH", global = true)]
    pub(crate) python: Option<PathBuf>,

    /// Build the plugin with optimisations
    #[arg(long, global = true)]
    pub(crate) release: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Target {
    Tool(ToolCall),
    Endpoint(EndpointCall),
}

/// Invokes a tool
#[derive(Debug, Args)]
pub(crate) struct ToolCall {
    /// The tool, as PROVIDER/TOOL
    #[arg(value_name = "PROVIDER/TOOL")]
    pub(crate) name: String,

    /// A parameter, as `name=value`, read as the type that the tool declares, or `name:=json`; may be repeated
    #[arg(long = "param", value_name = "NAME=VALUE")]
    pub(crate) parameters: Vec<Assignment>,

    /// A credential of the provider, as `name=value` or `name:=json`; may be repeated
    #[arg(long = "credential", value_name = "NAME=VALUE")]
    pub(crate) credentials: Vec<Assignment>,

    /// Save files that the tool sends in this folder
    #[arg(long, value_name = "DIR", conflicts_with = "json")]
    pub(crate) output_dir: Option<PathBuf>,
}

/// Sends an HTTP request to the endpoints; exits with 1 also for an answer of status 400 and above
#[derive(Debug, Args)]
pub(crate) struct EndpointCall {
    /// The HTTP method
    #[arg(value_parser = method)]
    pub(crate) method: Method,

    /// The path below the endpoint's address, with the query if there is one
    #[arg(value_parser = path)]
    pub(crate) path: Uri,

    /// The body, or `@FILE` for what is in a file
    #[arg(long, value_name = "TEXT")]
    pub(crate) data: Option<OsString>,

    /// A header, as `name: value`; may be repeated
    #[arg(long = "header", value_name = "NAME: VALUE", value_parser = header)]
    pub(crate) headers: Vec<(HeaderName, HeaderValue)>,

    /// A setting of the endpoints, as `name=value` or `name:=json`; may be repeated
    #[arg(long = "setting", value_name = "NAME=VALUE")]
    pub(crate) settings: Vec<Assignment>,
}

impl Cli {
    /// Reads the program's arguments; ends the process with 2 when they can't be understood, and with 0 after help.
    pub(crate) fn from_command_line() -> Self {
        Self::read(std::env::args_os()).unwrap_or_else(|error| error.exit())
    }

    fn read(args: impl Iterator<Item = OsString>) -> Result<Self, clap::Error> {
        Self::try_parse_from(without_subcommand_name(args)).map_err(without_secret)
    }
}

/// Cargo runs `cargo-dify dify …` for `cargo dify …`; called by its own name the program gets no such word.
fn without_subcommand_name(args: impl Iterator<Item = OsString>) -> impl Iterator<Item = OsString> {
    args.enumerate().filter(|(index, arg)| *index != 1 || arg != "dify").map(|(_, arg)| arg)
}

/// Takes out the value that clap would repeat, where that may be a secret.
fn without_secret(mut error: clap::Error) -> clap::Error {
    let argument = error.get(ContextKind::InvalidArg).map(ToString::to_string).unwrap_or_default();
    if ["--credential", "--setting", "--app"].iter().any(|option| argument.starts_with(option)) {
        error.insert(ContextKind::InvalidValue, ContextValue::String("…".to_owned()));
    }
    error
}

fn daemon_url(text: &str) -> Result<String, String> {
    let url: Uri = text.parse().map_err(|_| "not a URL".to_owned())?;
    match (url.scheme_str(), url.query()) {
        (Some("http" | "https"), None) if url.host().is_some() => Ok(text.to_owned()),
        _ => Err("expected the daemon's address, as in http://127.0.0.1:5002".to_owned()),
    }
}

fn arch(text: &str) -> Result<Arch, String> {
    Arch::from_name(text).ok_or_else(|| "the daemon runs plugins on amd64 and arm64".to_owned())
}

/// It becomes a part of a path.
fn tenant(text: &str) -> Result<String, String> {
    let legal = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
    if text.is_empty() || !text.bytes().all(legal) {
        return Err("a workspace's id is a UUID".to_owned());
    }
    Ok(text.to_owned())
}

fn method(text: &str) -> Result<Method, String> {
    Method::from_bytes(text.to_ascii_uppercase().as_bytes()).map_err(|_| "not an HTTP method".to_owned())
}

fn path(text: &str) -> Result<Uri, String> {
    if !text.starts_with('/') {
        return Err("a path begins with `/`, as in /duck/app-1".to_owned());
    }
    text.parse()
        .map_err(|_| "not legal in an HTTP request; percent-encode it, as in %20 for a space".to_owned())
}

fn header(text: &str) -> Result<(HeaderName, HeaderValue), String> {
    let (name, value) = text.split_once(':').ok_or("expected `name: value`")?;
    let name = name.trim().parse().map_err(|_| "not a legal name of a header")?;
    let value = value.trim().parse().map_err(|_| "not a legal value of a header")?;
    Ok((name, value))
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;
    use clap::error::ErrorKind;

    use super::*;

    fn read(line: &str) -> Result<Cli, clap::Error> {
        Cli::read(line.split(' ').map(OsString::from))
    }

    #[test]
    fn the_definition_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn the_name_of_the_subcommand_may_come_first() {
        for line in ["cargo-dify dify dev duck --port 0", "cargo-dify dev duck --port 0"] {
            let Command::Dev(dev) = read(line).unwrap().command else { panic!("{line}") };
            assert_eq!((dev.dir.to_str(), dev.port), (Some("duck"), 0));
        }
        // Only that one word: a folder may have the name too.
        let Command::Dev(dev) = read("cargo-dify dify dev dify").unwrap().command else { panic!() };
        assert_eq!(dev.dir.to_str(), Some("dify"));
    }

    #[test]
    fn the_folder_to_watch_is_this_one_unless_told() {
        let Command::Dev(dev) = read("cargo-dify dify dev --script s.yaml").unwrap().command else {
            panic!()
        };
        assert_eq!(dev.dir.to_str(), Some("."));
    }

    #[test]
    fn options_of_the_launch_stand_before_or_after_what_is_called() {
        for line in [
            "cargo-dify call duck endpoint get /duck/app-1?a=b --script s.yaml --release --json",
            "cargo-dify call --script s.yaml --release --json duck endpoint GET /duck/app-1?a=b",
        ] {
            let Command::Call(call) = read(line).unwrap().command else { panic!("{line}") };
            assert_eq!(call.launch.script.as_deref().and_then(|path| path.to_str()), Some("s.yaml"));
            assert!(call.launch.release && call.json && !call.launch.as_daemon);
            let Target::Endpoint(endpoint) = call.target else { panic!("{line}") };
            assert_eq!(
                (endpoint.method, endpoint.path.to_string()),
                (Method::GET, "/duck/app-1?a=b".to_owned())
            );
        }
    }

    #[test]
    fn what_is_no_request_is_a_mistake_of_usage() {
        for line in [
            "cargo-dify call duck endpoint GET duck",
            "cargo-dify call duck endpoint GET /a\u{7f}b",
            "cargo-dify call duck endpoint G{T /duck",
            "cargo-dify call duck endpoint GET /duck --header nonsense",
            "cargo-dify call duck tool bench/echo --param nonsense",
            "cargo-dify call duck tool bench/echo --param a:=nonsense",
            "cargo-dify install 127.0.0.1:5002 --tenant t",
            "cargo-dify package --target x86_64",
            "cargo-dify install ftp://127.0.0.1 --tenant t",
            "cargo-dify install http://127.0.0.1:5002 --tenant ../t",
        ] {
            let error = read(line).unwrap_err();
            assert_eq!((error.kind(), error.exit_code()), (ErrorKind::ValueValidation, 2), "{line}");
        }
        assert_eq!(read("cargo-dify call duck").unwrap_err().exit_code(), 2);
        assert_eq!(read("cargo-dify --help").unwrap_err().exit_code(), 0);
    }

    #[test]
    fn a_secret_is_not_repeated() {
        let say = |line: &str| read(line).unwrap_err().to_string();
        assert!(say("cargo-dify call duck tool a/b --param key:=hunter2").contains("hunter2"));
        for line in [
            "cargo-dify call duck tool a/b --credential key:=hunter2",
            "cargo-dify call duck endpoint GET / --setting hunter2",
            "cargo-dify dev duck --setting hunter2",
            "cargo-dify dev duck --dify http://a --app hunter2",
        ] {
            let error = say(line);
            assert!(error.contains("invalid value '…'") && !error.contains("hunter2"), "{error}");
        }
    }

    #[test]
    fn a_header_is_cut_at_its_first_colon() {
        let (name, value) = header("X-Url: http://a").unwrap();
        assert_eq!((name.as_str(), value.to_str().unwrap()), ("x-url", "http://a"));
    }
}
