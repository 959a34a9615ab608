//! Points in time, in the formats of yaml.v3 and Go's `time.Time`.

/// Parses one of the four formats that yaml.v3 reads as a timestamp in an unquoted scalar: a date; a date, a space and a time
/// without zone; RFC 3339 with `T` or `t`. Month, day, hour, minute and second may have one digit. Returns the time in
/// RFC 3339, as Go writes it in JSON.
pub(super) fn yaml(text: &str) -> Option<String> {
    read(text, Strictness::Yaml)
}

/// Parses RFC 3339, which Go requires of a quoted time. Like Go, it accepts an hour of one digit, and a comma.
pub(super) fn rfc3339(text: &str) -> Option<String> {
    read(text, Strictness::Rfc3339)
}

#[derive(Clone, Copy, PartialEq)]
enum Strictness {
    Yaml,
    Rfc3339,
}

fn read(text: &str, strictness: Strictness) -> Option<String> {
    let strict = strictness == Strictness::Rfc3339;
    let mut rest = Digits { bytes: text.as_bytes() };
    let year = rest.number(4, 4)?;
    rest.byte(b"-")?;
    let field = if strict { 2 } else { 1 };
    let month = rest.number(field, 2).filter(|month| (1..=12).contains(month))?;
    rest.byte(b"-")?;
    let day = rest.number(field, 2).filter(|day| (1..=days(year, month)).contains(day))?;
    let date = format!("{year:04}-{month:02}-{day:02}");
    if rest.bytes.is_empty() {
        return (!strict).then(|| format!("{date}T00:00:00Z"));
    }

    let separator = rest.byte(if strict { b"T" } else { b"Tt " })?;
    let hour = rest.number(1, 2).filter(|hour| *hour < 24)?;
    rest.byte(b":")?;
    let minute = rest.number(field, 2).filter(|minute| *minute < 60)?;
    rest.byte(b":")?;
    let second = rest.number(field, 2).filter(|second| *second < 60)?;
    let fraction = rest.fraction(b".,")?;
    let zone = if separator == b' ' { "Z".to_owned() } else { rest.zone()? };
    rest.bytes.is_empty().then(|| format!("{date}T{hour:02}:{minute:02}:{second:02}{fraction}{zone}"))
}

struct Digits<'t> {
    bytes: &'t [u8],
}

impl Digits<'_> {
    fn byte(&mut self, allowed: &[u8]) -> Option<u8> {
        let (first, rest) = self.bytes.split_first()?;
        allowed.contains(first).then(|| {
            self.bytes = rest;
            *first
        })
    }

    /// Reads a number of `min` to `max` digits.
    fn number(&mut self, min: usize, max: usize) -> Option<u32> {
        let length = self.run().min(max);
        if length < min {
            return None;
        }
        let (digits, rest) = self.bytes.split_at(length);
        self.bytes = rest;
        Some(digits.iter().fold(0, |value, digit| value * 10 + u32::from(digit - b'0')))
    }

    /// Reads an optional fraction of a second; returns at most nine digits, without trailing zeros.
    fn fraction(&mut self, points: &[u8]) -> Option<String> {
        if self.byte(points).is_none() {
            return Some(String::new());
        }
        let (digits, rest) = self.bytes.split_at(self.run());
        self.bytes = rest;
        let kept = digits.get(..9).unwrap_or(digits);
        let kept: String = kept.iter().map(|digit| char::from(*digit)).collect();
        let kept = kept.trim_end_matches('0');
        if digits.is_empty() {
            return None;
        }
        Some(if kept.is_empty() { String::new() } else { format!(".{kept}") })
    }

    fn zone(&mut self) -> Option<String> {
        let sign = self.byte(b"Z+-")?;
        if sign == b'Z' {
            return Some("Z".to_owned());
        }
        let hours = self.number(2, 2).filter(|hours| *hours <= 24)?;
        self.byte(b":")?;
        let minutes = self.number(2, 2).filter(|minutes| *minutes < 60)?;
        let sign = char::from(sign);
        Some(if hours == 0 && minutes == 0 {
            "Z".to_owned()
        } else {
            format!("{sign}{hours:02}:{minutes:02}")
        })
    }

    fn run(&self) -> usize {
        self.bytes.iter().take_while(|byte| byte.is_ascii_digit()).count()
    }
}

fn days(year: u32, month: u32) -> u32 {
    match month {
        4 | 6 | 9 | 11 => 30,
        2 if year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400)) => 29,
        2 => 28,
        _ => 31,
    }
}
