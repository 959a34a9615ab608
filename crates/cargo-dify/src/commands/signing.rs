//! `cargo dify keygen`, `sign` and `verify`.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use dify_plugin_package::{Category, KeyError, PrivateKey, PublicKey, UniqueIdentifier};
use serde_json::json;

use crate::args::{Keygen, Sign, SignCategory, Verify};
use crate::console::Console;
use crate::error::Error;
use crate::output::Output;
use crate::unpacked::{self, Unpacked};

/// Makes a pair of keys and says how a daemon gets to know it.
pub(crate) fn keygen(args: &Keygen, console: &Console) -> Result<(), Error> {
    let name = args.name.display();
    let (private, public) =
        (PathBuf::from(format!("{name}.private.pem")), PathBuf::from(format!("{name}.public.pem")));
    console.status("Making", "a key of 4096 bits");
    let key = PrivateKey::generate().map_err(Error::Keygen)?;
    write_new(&private, key.to_pem().as_bytes(), 0o600)?;
    write_new(&public, key.public().to_pem().as_bytes(), 0o644)?;
    console.status(
        "Wrote",
        &format!("{}, which only you may have, and {}", private.display(), public.display()),
    );
    settings(&public, console);
    if args.json {
        Output::new(console).line(&json!({"private_key": private, "public_key": public}).to_string())?;
    }
    Ok(())
}

/// Signs a package.
pub(crate) fn sign(args: &Sign, console: &Console) -> Result<(), Error> {
    let key = read_key(&args.key, PrivateKey::from_pem)?;
    let mut package = unpacked::open(&args.package)?;
    let category = match args.category {
        SignCategory::Langgenius => Category::Langgenius,
        SignCategory::Partner => Category::Partner,
        SignCategory::Community => Category::Community,
    };
    let again = package.signature().is_some();
    #[expect(clippy::disallowed_methods, reason = "a signature tells the time of day")]
    let now = std::time::SystemTime::now().duration_since(UNIX_EPOCH).map_err(|_| Error::Clock)?;
    package.sign(&key, category, i64::try_from(now.as_secs()).unwrap_or(i64::MAX))?;
    let identifier =
        UniqueIdentifier::new(&Unpacked::new(&package, &args.package)?.plugin.manifest, &package)?;
    let file = args.output.clone().unwrap_or_else(|| signed_name(&args.package));
    fs::write(&file, package.write()?).map_err(|source| Error::Save { file: file.clone(), source })?;
    let instead = if again { ", in place of the signature it had" } else { "" };
    console.status("Signed", &format!("{}{instead}\n{identifier}", file.display()));
    settings(&public_of(&args.key), console);
    if args.json {
        let said = json!({"file": file, "unique_identifier": identifier.as_str(), "checksum": package.checksum(), "category": category.as_str()});
        Output::new(console).line(&said.to_string())?;
    }
    Ok(())
}

/// Checks a signature.
pub(crate) fn verify(args: &Verify, console: &Console) -> Result<(), Error> {
    let key = read_key(&args.key, PublicKey::from_pem)?;
    let package = unpacked::open(&args.package)?;
    let verified = package.verify(&key);
    if args.json {
        let said = json!({"verified": verified.is_ok(), "category": package.category()});
        Output::new(console).line(&said.to_string())?;
    }
    verified.map_err(|source| Error::Unverified { file: args.package.clone(), source })?;
    let category = package.category().unwrap_or_else(|| "langgenius (it says nothing)".to_owned());
    console.status(
        "Verified",
        &format!("{}, signed with this key in the name of {category}", args.package.display()),
    );
    settings(&args.key, console);
    Ok(())
}

/// What an operator sets for a daemon that is to take packages signed with this key.
fn settings(public: &Path, console: &Console) {
    let name = public.file_name().map_or_else(|| public.to_string_lossy(), |name| name.to_string_lossy());
    console.plain(&format!(
        "\nA daemon that checks signatures takes such packages with this in its environment, where the path is that of the \
         public key in the daemon's container:\n\n  THIRD_PARTY_SIGNATURE_VERIFICATION_ENABLED=true\n  \
         THIRD_PARTY_SIGNATURE_VERIFICATION_PUBLIC_KEYS=/app/storage/{name}\n\nA path that can't be read makes it refuse \
         every package, also those from the marketplace.\n"
    ));
}

fn read_key<K>(file: &Path, read: fn(&str) -> Result<K, KeyError>) -> Result<K, Error> {
    let bytes = fs::read(file).map_err(|source| Error::NoKeyFile { file: file.to_owned(), source })?;
    read(&String::from_utf8_lossy(&bytes)).map_err(|source| Error::BadKey { file: file.to_owned(), source })
}

/// Never over something that is there: a private key is lost for ever.
fn write_new(file: &Path, bytes: &[u8], mode: u32) -> Result<(), Error> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, mode);
    #[cfg(not(unix))]
    let _ = mode;
    let written = options.open(file).and_then(|mut made| made.write_all(bytes));
    written.map_err(|source| Error::Save { file: file.to_owned(), source })
}

/// The other key of the pair, as `keygen` calls it.
fn public_of(private: &Path) -> PathBuf {
    let name = private.file_name().unwrap_or_default().to_string_lossy();
    PathBuf::from(format!("{}.public.pem", name.strip_suffix(".private.pem").unwrap_or("NAME")))
}

/// As the daemon's CLI calls it.
fn signed_name(file: &Path) -> PathBuf {
    let stem = file.file_stem().unwrap_or_default().to_string_lossy();
    let extension =
        file.extension().map(|extension| format!(".{}", extension.to_string_lossy())).unwrap_or_default();
    file.with_file_name(format!("{stem}.signed{extension}"))
}
