//! In what our doors may differ from those of `simd`, each with the reason.
use super::ask::Answer;

/// Endpoints of `simd` that we do not have, by the beginning of their path.
const ABSENT: [(&str, &str); 1] = [("/ibc/", "IBC is not part of this chain yet")];

/// Whether an endpoint need not be here.
pub(super) fn absent(template: &str) -> bool {
    ABSENT.iter().any(|(prefix, _)| template.starts_with(prefix))
}

/// The beginning of the endpoints it is for, what the difference says, and why it is so.
type Rule = (&'static str, &'static str, &'static str);

const RULES: [Rule; 11] = [
    ("/cosmos/distribution/v1beta1/validators/", "\"invalid validator address\"", "here the text tells what is wrong with the address"),
    (
        "/cosmos/distribution/v1beta1/delegators/",
        "\"delegation does not exist\"",
        "the SDK says the same in the words of staking, of whose keeper it asks it",
    ),
    ("/cosmos/auth/v1beta1/accounts", "/pub_key is ", "which account a page begins with differs, and only one that has signed has a key"),
    ("/cosmos/auth/v1beta1/address_by_id", "status 404 and not 200", "account numbers begin at 1, so that no wallet takes 0 for none"),
    (
        "/cosmos/auth/v1beta1/bech32/{address_string}",
        "",
        "the SDK has two methods at one path and reaches the first alone; here each gets what it can read",
    ),
    ("/cosmos/feegrant/v1beta1/allowance/", "text", "a missing allowance is NotFound, as in later versions, and says so once"),
    ("/cosmos/tx/v1beta1/txs/block/", "status 400 and not 200", "a block of this chain is never empty: it holds what its proposer reveals"),
    ("/cosmos/tx/v1beta1/txs", "/pagination is an object and not null", "explorers of older chains ask with pagination.* and are answered"),
    (
        "/cosmos/tx/v1beta1/txs",
        "status 400 and not 200",
        "explorers of older chains ask with pagination.*, which may name a page that is not",
    ),
    ("/cosmos/tx/v1beta1/txs", "height Some", "the SDK names no height where nothing is read; here each answer has it"),
    ("/cosmos/bank/v1beta1/", "\"paginate: invalid request", "elsewhere the SDK says the same without the first word"),
];

/// Parts of the texts that Go's libraries give, and other parts of the SDK that name Go's types.
const OF_GO: [&str; 14] = [
    "JSON encoding of interfaces",
    "UnmarshalBinaryBare",
    "collections: ",
    "strconv.",
    "illegal base64",
    "encoding/hex",
    "json: ",
    "invalid character",
    "unknown value",
    "is not a valid",
    "bech32",
    "proto:",
    "is not supported in query",
    "unexpected end of JSON",
];

/// Why this difference is right; `None` if it is not.
pub(super) fn reason(of: &str, difference: &str, ours: &Answer, sims: &Answer) -> Option<&'static str> {
    let bare = sims.status == 500 || ["2", "13"].contains(&sims.json()["code"].to_string().trim_matches('"'));
    if (difference.starts_with("status ") || difference.starts_with("code ")) && bare && (400..500).contains(&ours.status) {
        return Some("the SDK answers 500 where a handler returns a bare error; what is the client's fault is 400 or 404 here");
    }
    if difference.starts_with("text ") && OF_GO.iter().any(|words| sims.message().contains(words)) {
        return Some("what a library of Go says of broken text is said in other words here");
    }
    RULES.iter().find(|(prefix, what, _)| of.starts_with(prefix) && difference.contains(what)).map(|(_, _, reason)| *reason)
}
