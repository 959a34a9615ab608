//! Decimal numbers of any precision, as read and written by the daemon's decimal library.

/// The largest exponent that is accepted. Prices have none; the daemon's library would write out two billion zeros.
const MAX_EXPONENT: i64 = 1000;

/// Returns a decimal number without exponent and superfluous zeros, or `None` if `text` is not a decimal number.
pub(super) fn plain(text: &str) -> Option<String> {
    let (number, exponent) = match text.split_once(['e', 'E']) {
        Some((number, exponent)) => {
            (number, exponent.parse::<i64>().ok().filter(|size| size.abs() <= MAX_EXPONENT)?)
        }
        None => (text, 0),
    };
    let (negative, unsigned) = match number.as_bytes().first()? {
        b'-' => (true, &number[1..]),
        b'+' => (false, &number[1..]),
        _ => (false, number),
    };
    let (whole, fraction) = unsigned.split_once('.').unwrap_or((unsigned, ""));
    let digits = format!("{whole}{fraction}");
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }

    // The position of the point in `digits`, which are then padded with zeros up to it.
    let point = i64::try_from(whole.len()).ok()? + exponent;
    let before = usize::try_from(-point).unwrap_or(0);
    let digits = format!("{}{digits}", "0".repeat(before));
    let point = usize::try_from(point).unwrap_or(0);
    let digits = format!("{digits}{}", "0".repeat(point.saturating_sub(digits.len())));
    let (whole, fraction) = digits.split_at(point);
    let (whole, fraction) = (whole.trim_start_matches('0'), fraction.trim_end_matches('0'));

    let whole = if whole.is_empty() { "0" } else { whole };
    let sign = if negative && (whole != "0" || !fraction.is_empty()) { "-" } else { "" };
    Some(if fraction.is_empty() { format!("{sign}{whole}") } else { format!("{sign}{whole}.{fraction}") })
}
