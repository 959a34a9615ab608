//! Signatures, compared with those of the daemon's command line and the same key.

use dify_plugin_package::{
    Category, KeyError, MAX_PACKAGE_BYTES, Package, PrivateKey, PublicKey, VERIFICATION_FILE, VerifyError,
};

use crate::folders::{by_daemon, fixture};

fn text(name: &str) -> String {
    String::from_utf8(fixture(name)).unwrap()
}

fn key() -> PrivateKey {
    PrivateKey::from_pem(&text("test-key.private.pem")).unwrap()
}

/// Replaces the content of a file and keeps the signature.
fn with(package: &Package, path: &str, content: &[u8]) -> Package {
    let files = package.files().iter().map(|file| {
        (file.path.clone(), if file.path == path { content.to_vec() } else { file.content.clone() })
    });
    let changed = Package::new(files).unwrap().write().unwrap();
    // Carry over the comment, which holds the signature.
    let old = package.write().unwrap();
    let comment = old.iter().rposition(|byte| *byte == b'{').map_or(&[][..], |at| &old[at..]);
    let length = u16::try_from(comment.len()).unwrap().to_le_bytes();
    let bytes = [&changed[..changed.len() - 2], &length, comment].concat();
    Package::read(&bytes, MAX_PACKAGE_BYTES).unwrap()
}

#[test]
fn the_same_key_at_the_same_time_signs_as_the_daemon_does() {
    let signed = by_daemon("plain.signed");
    let time = signed.signature().unwrap().time;
    let mut ours = by_daemon("plain");
    ours.sign(&key(), Category::Partner, time).unwrap();
    assert_eq!(ours, signed);
    assert_eq!(ours.category().as_deref(), Some("partner"));
}

#[test]
fn a_package_signed_by_the_daemon_verifies() {
    let public = PublicKey::from_pem(&text("test-key.public.pem")).unwrap();
    assert_eq!(public, key().public());
    let signed = by_daemon("plain.signed");
    assert_eq!(signed.verify(&public), Ok(()));
    assert_eq!(by_daemon("plain").verify(&public), Err(VerifyError::NotSigned));
    let changed = with(&signed, "main.py", b"import evil");
    assert!(changed.signature().is_some());
    assert_eq!(changed.verify(&public), Err(VerifyError::Mismatch));
    assert_eq!(with(&signed, "", b"").files().len(), signed.files().len());
}

#[test]
fn an_unreadable_category_is_refused() {
    let signed = by_daemon("plain.signed");
    for wrong in [&b"partner"[..], b"{}", b""] {
        let changed = with(&signed, VERIFICATION_FILE, wrong);
        assert_eq!(changed.verify(&key().public()), Err(VerifyError::Category));
    }
}

#[test]
fn signing_again_replaces_the_first_signature() {
    let mut package = by_daemon("plain.signed");
    package.sign(&key(), Category::Community, 7).unwrap();
    let read = Package::read(&package.write().unwrap(), MAX_PACKAGE_BYTES).unwrap();
    assert_eq!((read.verify(&key().public()), read.category().as_deref()), (Ok(()), Some("community")));
    let last = read.files().last().unwrap();
    assert_eq!(last.path, VERIFICATION_FILE);
    assert_eq!(read.files().iter().filter(|file| file.path == VERIFICATION_FILE).count(), 1);
    assert_eq!(read.signature().unwrap().time, 7);
}

#[test]
fn a_package_signed_twice_by_the_daemon_is_refused() {
    // The daemon's signer adds a second file of the same name and cannot read the result itself.
    let error = Package::read(&fixture("plain.signed-twice.difypkg"), MAX_PACKAGE_BYTES).unwrap_err();
    assert_eq!(error.to_string(), format!("two files have the path `{VERIFICATION_FILE}`"));
}

#[test]
fn keys_are_written_as_the_daemon_writes_them() {
    assert_eq!(key().to_pem(), text("test-key.private.pem"));
    assert_eq!(key().public().to_pem(), text("test-key.public.pem"));
    let new = PrivateKey::generate().unwrap();
    let read = PrivateKey::from_pem(&new.to_pem()).unwrap();
    assert_eq!(read.public(), new.public());
    assert_ne!(new.public(), key().public());
    assert_eq!(format!("{new:?}"), "PrivateKey(…)");
}

#[test]
fn keys_are_read_as_the_daemon_reads_them() {
    let (private, public) = (text("test-key.private.pem"), text("test-key.public.pem"));
    let (key, lock) = ("RSA PRIVATE KEY", "RSA PUBLIC KEY");
    for valid in [format!("about it\n{public}"), public.trim_end().to_owned(), public.replace('\n', "\r\n")] {
        assert!(PublicKey::from_pem(&valid).is_ok(), "{valid}");
    }
    for (wrong, error) in [
        (private.clone(), KeyError::NoBlock(lock)),
        (String::new(), KeyError::NoBlock(lock)),
        (format!("{private}{public}"), KeyError::NoBlock(lock)),
        (format!("{public}\n"), KeyError::Trailing(lock)),
        (format!("{public}{public}"), KeyError::Trailing(lock)),
        (public.replacen("MII", "MIJ", 1), KeyError::Content(lock)),
        ("-----BEGIN RSA PUBLIC KEY-----".to_owned(), KeyError::NoBlock(lock)),
    ] {
        assert_eq!(PublicKey::from_pem(&wrong), Err(error), "{wrong}");
    }
    assert_eq!(PrivateKey::from_pem(&public).unwrap_err(), KeyError::NoBlock(key));
}
