//! `cargo dify keygen`, `sign` and `verify`.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use clap::{Args, ValueEnum};
use dify_plugin_manifest::Plugin;
use dify_plugin_package::{Category, KeyError, PrivateKey, PublicKey};
use serde_json::json;

use crate::console::Console;
use crate::error::{Context, Error};
use crate::launch::unreadable;
use crate::{archive, output};

/// Create a key pair for signing packages
#[derive(Debug, Args)]
#[command(after_help = "Example:
  cargo dify keygen my-company     # writes my-company.private.pem and my-company.public.pem")]
pub(crate) struct Keygen {
    /// Path of the two files, without .private.pem and .public.pem
    #[arg(default_value = "dify_plugin_signing_key")]
    name: PathBuf,

    /// Print the names of the files to stdout as one JSON object
    #[arg(long)]
    json: bool,
}

/// Sign a package
///
/// An earlier signature is replaced. The signed package has a different checksum and therefore a different unique identifier.
#[derive(Debug, Args)]
#[command(after_help = "Example:
  cargo dify sign duck-0.0.1.difypkg --key my-company.private.pem")]
pub(crate) struct Sign {
    /// Package to sign
    package: PathBuf,

    /// Private key
    #[arg(short, long, value_name = "FILE")]
    key: PathBuf,

    /// Whose plugin the package is
    #[arg(short, long, value_enum, default_value_t = SignCategory::Community)]
    category: SignCategory,

    /// Where to write the signed package [default: NAME.signed.difypkg beside the package]
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,

    /// Print the result to stdout as one JSON object
    #[arg(long)]
    json: bool,
}

/// Whose plugin a package is.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum SignCategory {
    /// Made by Dify, the default of the daemon's own CLI
    Langgenius,
    /// Made by a partner of Dify
    Partner,
    /// Made by anyone else
    Community,
}

/// Verify a package's signature
#[derive(Debug, Args)]
#[command(after_help = "Example:
  cargo dify verify duck-0.0.1.signed.difypkg --key my-company.public.pem")]
pub(crate) struct Verify {
    /// Package to verify
    package: PathBuf,

    /// Public key
    #[arg(short, long, value_name = "FILE")]
    key: PathBuf,

    /// Print the result to stdout as one JSON object
    #[arg(long)]
    json: bool,
}

/// Creates a key pair and prints how a daemon learns to trust it.
pub(crate) fn keygen(args: &Keygen, console: &Console) -> Result<(), Error> {
    let name = args.name.display();
    let (private, public) =
        (PathBuf::from(format!("{name}.private.pem")), PathBuf::from(format!("{name}.public.pem")));
    console.status("Generating", "a 4096-bit key");
    let key = PrivateKey::generate().context("cannot generate a key")?;
    write_new(&private, key.to_pem().as_bytes(), 0o600)?;
    write_new(&public, key.public().to_pem().as_bytes(), 0o644)?;
    let text = format!("{}, to be kept secret, and {}", private.display(), public.display());
    console.status("Wrote", &text);
    explain_trust(&public, console);
    if args.json {
        output::json(&json!({"private_key": private, "public_key": public}), console)?;
    }
    Ok(())
}

/// Signs a package.
pub(crate) fn sign(args: &Sign, console: &Console) -> Result<(), Error> {
    let key = read_key(&args.key, PrivateKey::from_pem)?;
    let mut package = archive::read(&args.package)?;
    let category = match args.category {
        SignCategory::Langgenius => Category::Langgenius,
        SignCategory::Partner => Category::Partner,
        SignCategory::Community => Category::Community,
    };
    let replaced = if package.signature().is_some() { ", replacing its earlier signature" } else { "" };
    #[expect(clippy::disallowed_methods, reason = "a signature holds the time of day")]
    let now =
        std::time::SystemTime::now().duration_since(UNIX_EPOCH).context("the clock is set before 1970")?;
    let time = i64::try_from(now.as_secs()).unwrap_or(i64::MAX);
    package.sign(&key, category, time).context("cannot sign the package")?;
    let folder = archive::unpack(&package)?;
    let plugin = Plugin::read(folder.path()).map_err(|error| unreadable(&args.package, error))?;
    let identifier = archive::identifier(&plugin.manifest, &package)?;
    let file = args.output.clone().unwrap_or_else(|| signed_name(&args.package));
    let bytes = package.write().context("cannot sign the package")?;
    fs::write(&file, bytes).context(format!("cannot write `{}`", file.display()))?;
    console.status("Signed", &format!("{}{replaced}\n{identifier}", file.display()));
    explain_trust(&public_of(&args.key), console);
    if args.json {
        let (checksum, category) = (package.checksum(), category.as_str());
        let identifier = identifier.as_str();
        let result = json!({"file": file, "unique_identifier": identifier, "checksum": checksum, "category": category});
        output::json(&result, console)?;
    }
    Ok(())
}

/// Verifies a signature.
pub(crate) fn verify(args: &Verify, console: &Console) -> Result<(), Error> {
    let key = read_key(&args.key, PublicKey::from_pem)?;
    let package = archive::read(&args.package)?;
    let verified = package.verify(&key);
    if args.json {
        output::json(&json!({"verified": verified.is_ok(), "category": package.category()}), console)?;
    }
    let file = args.package.display();
    verified.context(format!("cannot verify the signature of `{file}`"))?;
    let category = package.category().unwrap_or_else(|| "langgenius (by default)".to_owned());
    console.status("Verified", &format!("{file}, signed with this key as {category}"));
    explain_trust(&args.key, console);
    Ok(())
}

/// Prints the settings of a daemon that accepts packages signed with this key.
fn explain_trust(public: &Path, console: &Console) {
    let name = public.file_name().map_or_else(|| public.to_string_lossy(), |name| name.to_string_lossy());
    console.plain(&format!(
        "\nTo make a daemon trust this key, copy the public key into its container and set these variables there, with the \
         path of the copy:\n\n  THIRD_PARTY_SIGNATURE_VERIFICATION_ENABLED=true\n  \
         THIRD_PARTY_SIGNATURE_VERIFICATION_PUBLIC_KEYS=/app/storage/{name}\n\nIf the path can't be read, the daemon refuses \
         every package, including those from the marketplace.\n"
    ));
}

fn read_key<K>(file: &Path, read: fn(&str) -> Result<K, KeyError>) -> Result<K, Error> {
    let bytes = fs::read(file).context(format!("cannot read the key `{}`", file.display()))?;
    read(&String::from_utf8_lossy(&bytes)).map_err(|cause| {
        let is_other_key = matches!(cause, KeyError::NoBlock(_));
        let help =
            "`cargo dify keygen` creates a pair: sign with NAME.private.pem, verify with NAME.public.pem";
        Error::new(format!("`{}` is not a usable key", file.display()))
            .caused_by(cause)
            .with_help_if_any(is_other_key.then(|| help.to_owned()))
    })
}

/// Writes a file that must not exist yet: an overwritten private key would be lost.
fn write_new(file: &Path, bytes: &[u8], mode: u32) -> Result<(), Error> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, mode);
    #[cfg(not(unix))]
    let _ = mode;
    let written = options.open(file).and_then(|mut created| created.write_all(bytes));
    written.context(format!("cannot write `{}`", file.display()))
}

/// Returns the name that `keygen` gives to the other key of the pair.
fn public_of(private: &Path) -> PathBuf {
    let name = private.file_name().unwrap_or_default().to_string_lossy();
    PathBuf::from(format!("{}.public.pem", name.strip_suffix(".private.pem").unwrap_or("NAME")))
}

/// Returns the name that the daemon's CLI gives to a signed package.
fn signed_name(file: &Path) -> PathBuf {
    let stem = file.file_stem().unwrap_or_default().to_string_lossy();
    let extension =
        file.extension().map(|extension| format!(".{}", extension.to_string_lossy())).unwrap_or_default();
    file.with_file_name(format!("{stem}.signed{extension}"))
}
