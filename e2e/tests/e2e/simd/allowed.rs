//! In what our doors may differ from those of `simd`, each with the reason.
use super::ask::Answer;

/// Endpoints of `simd` that we do not have, by the beginning of their path.
const ABSENT: [(&str, &str); 1] = [("/ibc/", "IBC is not part of this chain yet")];

/// Whether an endpoint need not be here.
pub(super) fn absent(template: &str) -> bool {
    ABSENT.iter().any(|(prefix, _)| template.starts_with(prefix))
}

/// One rule: the beginning of the endpoints it is for, what the difference says, and why it is so.
struct Rule {
    of: &'static str,
    difference: &'static str,
    reason: &'static str,
}

const RULES: [Rule; 0] = [];

/// Why this difference is right; `None` if it is not.
pub(super) fn reason(of: &str, difference: &str, ours: &Answer, sims: &Answer) -> Option<&'static str> {
    if difference.starts_with("status ") && sims.status == 500 && (400..500).contains(&ours.status) {
        return Some("the SDK answers 500 where a handler returns a bare error; what is the client's fault is 400 or 404 here");
    }
    let fits = |r: &&Rule| of.starts_with(r.of) && difference.contains(r.difference);
    RULES.iter().find(fits).map(|r| r.reason)
}
