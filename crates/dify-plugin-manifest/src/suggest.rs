//! Suggestions for mistyped keys and values.

/// Returns what to write instead of `given`: the likeliest of the known names, and all of them.
pub(crate) fn instead<'a>(given: &str, known: impl Iterator<Item = &'a str> + Clone) -> String {
    let simple = |text: &str| text.to_lowercase().replace(['-', ' '], "_");
    let wanted = simple(given);
    // The distance of two texts takes time by the product of their lengths.
    let candidates = known.clone().filter(|candidate| given.len().max(candidate.len()) <= 64);
    let near = candidates
        .map(|candidate| (strsim::osa_distance(&wanted, &simple(candidate)), candidate))
        .filter(|(distance, candidate)| *distance <= 1 + candidate.len() / 4)
        .min_by_key(|(distance, _)| *distance);
    let known_count = known.clone().count();
    let all = known.collect::<Vec<_>>().join(", ");
    match near {
        Some((_, candidate)) => format!("did you mean `{candidate}`? known: {all}"),
        None if known_count == 1 => format!("write `{all}`"),
        None => format!("use one of {all}"),
    }
}
