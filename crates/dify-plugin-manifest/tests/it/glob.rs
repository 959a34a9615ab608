//! Shell patterns, compared with Go's.

use dify_plugin_manifest::Glob;

/// The results of `filepath.Match` in Go 1.26; `None` stands for `ErrBadPattern`.
#[test]
fn patterns_match_as_in_go() {
    for (pattern, name, matched) in [
        ("main.rs", "main.rs", Some(true)),
        ("*", "", Some(true)),
        ("*.log", "a.log", Some(true)),
        ("*.log", "a.log.txt", Some(false)),
        ("a*a", "a", Some(false)),
        ("*ab*ab", "abab", Some(true)),
        ("*ab?", "abab", Some(false)),
        ("w?rd", "wörd", Some(true)),
        ("w??rd", "wörd", Some(false)),
        ("*[^ö]rd", "wörd", Some(true)),
        ("v[0-9]", "v7", Some(true)),
        ("v[^0-9]", "v7", Some(false)),
        ("[b-a]", "a", Some(false)),
        (r"\[x\]", "[x]", Some(true)),
        (r"[\]\-]", "-", Some(true)),
        (r"a\", "a", None),
        ("[]", "]", None),
        ("v[0-", "v0", None),
        ("[a-]", "a", None),
        ("[", "[", None),
        ("", "", Some(true)),
        ("", "a", Some(false)),
    ] {
        assert_eq!(Glob::parse(pattern).map(|glob| glob.matches(name)), matched, "{pattern} {name}");
    }
}
