//! Which names hold secrets.

/// Whether a JSON key of this name holds a secret.
pub(super) fn is_secret(name: &str) -> bool {
    let name = letters(name);
    name == "settings"
        || [
            "credential",
            "credentials",
            "token",
            "signingkey",
            "encryptionkey",
            "subscriptionkey",
            "functionkey",
            "appkey",
            "masterkey",
        ]
        .iter()
        .any(|end| name.ends_with(end))
        || ["apikey", "secret", "passw", "authorization", "cookie", "privatekey", "accesskey"]
            .iter()
            .any(|part| name.contains(part))
}

/// Whether a header, a query parameter or a form field of this name holds a secret. Their names are shorter than those in
/// JSON, so every `…key` counts.
pub(super) fn is_secret_field(name: &str) -> bool {
    let short = letters(name);
    is_secret(name) || short.ends_with("key") || short.ends_with("signature")
}

/// A name without separators and case.
fn letters(name: &str) -> String {
    name.chars().filter(char::is_ascii_alphanumeric).map(|letter| letter.to_ascii_lowercase()).collect()
}
