//! Unpacking into a folder.

use std::fs;

use dify_plugin_package::Package;

fn package() -> Package {
    Package::new([("a/b/c".to_owned(), b"content".to_vec()), ("d".to_owned(), Vec::new())]).unwrap()
}

#[test]
fn files_are_unpacked_without_execute_permission() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path().join("new");
    package().unpack(&root).unwrap();
    assert_eq!(fs::read(root.join("a/b/c")).unwrap(), b"content");
    assert_eq!(fs::read(root.join("d")).unwrap(), b"");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = fs::metadata(root.join("d")).unwrap().permissions().mode();
        assert_eq!(mode & 0o111, 0, "{mode:o}");
    }
}

#[test]
fn existing_files_are_not_overwritten_and_links_not_followed() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("d"), "mine").unwrap();
    let error = package().unpack(dir.path()).unwrap_err();
    assert_eq!(error.path, dir.path().join("d"));
    assert_eq!(fs::read(dir.path().join("d")).unwrap(), b"mine");
    #[cfg(unix)]
    {
        let outside = tempfile::tempdir().unwrap();
        let link = tempfile::tempdir().unwrap();
        std::os::unix::fs::symlink(outside.path().join("x"), link.path().join("d")).unwrap();
        package().unpack(link.path()).unwrap_err();
        assert!(!outside.path().join("x").exists());
    }
}
