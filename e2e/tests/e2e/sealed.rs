//! Sealed content from an owner's folder to a licensee's: a real network, a real gateway, every step by the command line.
use std::{fs, path::Path};

use base64::{Engine, engine::general_purpose::STANDARD as BASE64};
use cairn_e2e::{Network, Options};
use serde_json::{Value, json};

const FROM: [&str; 2] = ["--from", "requester"];

/// What a command answers, signed by the network's account, which is owner and licensee here.
fn signed(network: &Network, args: &[&str]) -> Value {
    network.cairnd_json(&[args, &FROM].concat())
}

/// Offers version 1 of asset 1 for a price, with a bond on its key. Gives the terms' id.
fn offer(network: &Network) -> String {
    let coin = |amount: u64| json!({ "denom": "ucairn", "amount": amount.to_string() });
    let content = json!({
        "asset_id": 1, "title": "research", "versions": [1], "scope": { "train": true }, "pricing": "PRICING_ONE_OFF",
        "prices": [coin(1_000_000)], "seats": 1, "key_bond": coin(200_000),
        "legal_text": { "uri": "https://example.org/terms", "sha256": BASE64.encode([0; 32]) },
    });
    signed(network, &["tx", "licensing", "deposit-key-bond", "--amount", "400000ucairn"]);
    signed(network, &["tx", "licensing", "offer-terms", "--content", &content.to_string()]);
    terms(network, "research")
}

/// The id of the terms on asset 1 with that title.
fn terms(network: &Network, title: &str) -> String {
    let found = network.cairnd_json(&["query", "licensing", "terms-by-asset", "1"]);
    let found = found["terms"].as_array().unwrap().iter().find(|terms| terms["content"]["title"] == title).unwrap();
    found["id"].as_str().unwrap().to_owned()
}

fn content(folder: &Path) {
    fs::create_dir_all(folder.join("deep")).unwrap();
    fs::write(folder.join("hello.txt"), "hello").unwrap();
    fs::write(folder.join("deep/long"), vec![7; 3_000_000]).unwrap();
}

/// Terms on every version: the key of one that comes after the purchase follows, and the licence is handed on with its keys.
fn a_later_version_is_opened_too(network: &Network, gateway: &str) {
    let [plain, sealed, opened] = ["plain2", "sealed2", "opened2"].map(|name| network.path().join(name));
    let text = |path: &Path| path.to_str().unwrap().to_owned();
    let coin = |amount: u64| json!({ "denom": "ucairn", "amount": amount.to_string() });
    let content = json!({
        "asset_id": 1, "title": "updates", "scope": { "train": true }, "pricing": "PRICING_ONE_OFF", "prices": [coin(1_000)], "seats": 1,
        "transferable": true, "key_bond": coin(200_000), "legal_text": { "uri": "https://example.org/terms", "sha256": BASE64.encode([0; 32]) },
    });
    signed(network, &["tx", "licensing", "deposit-key-bond", "--amount", "400000ucairn"]);
    signed(network, &["tx", "licensing", "offer-terms", "--content", &content.to_string()]);
    let license = signed(network, &["license", "buy", &terms(network, "updates"), "--yes"])["license"].to_string();
    let grant = || drop(network.cairnd(&[&["license", "grant", "--once"], &FROM[..]].concat()));
    grant();
    fs::create_dir_all(&plain).unwrap();
    fs::write(plain.join("more.txt"), "more").unwrap();
    network.cairnd_json(&["asset", "encrypt", &text(&plain), "--out", &text(&sealed)]);
    signed(network, &["asset", "publish", &text(&sealed), "--asset", "1", "--gateway", gateway]);
    let due = signed(network, &["license", "grant", "--list"]);
    assert_eq!((due[0]["license"].as_str(), due[0]["version"].as_str()), (Some(license.as_str()), Some("2")));
    grant();
    let done = signed(network, &["license", "open", &license, "--out", &text(&opened), "--gateway", gateway]);
    assert_eq!((done["version"].as_u64(), done["files"].as_u64()), (Some(2), Some(1)));
    assert_eq!(fs::read_to_string(opened.join("more.txt")).unwrap(), "more");
    let granted =
        || network.cairnd_json(&["license", "keys", &license]).as_array().unwrap().iter().filter(|key| key["key"] == "granted").count();
    assert_eq!(granted(), 2);
    // Once it is final it is handed on, with the newest key; the owner grants both anew.
    while network.cairnd_json(&["query", "licensing", "license", &license])["license"]["status"] != "LICENSE_STATUS_FINAL" {
        network.wait_for(0, network.height(0) + 1);
    }
    let key = network.cairnd(&["license", "new-key"]);
    let to = network.accounts().iter().find(|account| account.name != "requester").unwrap().address.clone();
    signed(network, &["license", "transfer", &license, "--to", &to, "--public-key", key.trim()]);
    assert_eq!(signed(network, &["license", "grant", "--list"]).as_array().unwrap().len(), 2);
    grant();
    assert_eq!(granted(), 2);
}

/// Calls of asset 1 are paid by vouchers; owner, provider and licensee are one account here.
fn pays_calls(network: &Network) {
    let content = json!({
        "asset_id": 1, "title": "calls", "scope": { "infer": true }, "pricing": "PRICING_PER_CALL", "seats": 1,
        "prices": [{ "denom": "ucairn", "amount": "1000" }], "provider_bps": 5_000,
        "legal_text": { "uri": "https://example.org/terms", "sha256": BASE64.encode([0; 32]) },
    });
    signed(network, &["tx", "licensing", "offer-terms", "--content", &content.to_string()]);
    let bought = signed(network, &["license", "buy", &terms(network, "calls"), "--yes"]);
    let license = bought["license"].to_string();
    let provider = network.cairnd(&["keys", "show", "requester", "--address"]);
    let open = ["license", "session", "open", &license, "--deposit", "10000ucairn", "--provider", provider.trim()];
    let session = signed(network, &open)["session"].to_string();
    let path = network.path().join("voucher.json");
    let file = path.to_str().unwrap();
    for calls in ["1", "5"] {
        let voucher = signed(network, &["license", "session", "voucher", &session, "--calls", calls]);
        fs::write(&path, voucher.to_string()).unwrap();
        let kept = network.cairnd_json(&["license", "session", "accept", file]);
        assert_eq!(kept["redeemable"].as_str().unwrap(), format!("{calls}000"));
    }
    let _ = network.cairnd(&[&["license", "session", "watch", "--once"], &FROM[..]].concat());
    let shown = network.cairnd_json(&["license", "session", "show", &session]);
    assert_eq!((shown["settled"].as_str(), shown["settled_calls"].as_u64()), (Some("5000ucairn"), Some(5)));
    let voucher = signed(network, &["license", "session", "voucher", &session]);
    assert_eq!((voucher["calls"].as_u64(), voucher["amount"].as_str()), (Some(6), Some("6000")));
    fs::write(&path, voucher.to_string()).unwrap();
    network.cairnd_json(&["license", "session", "accept", file]);
    // The provider's closing settles what it keeps and refunds the rest.
    let closed = signed(network, &["license", "session", "close", &session]);
    assert_eq!(closed["status"], "SESSION_STATUS_CLOSED");
    assert_eq!(network.cairnd_json(&["license", "session", "show", &session])["settled"], "6000ucairn");
    assert!(network.cairnd_json(&["license", "session", "list", &license]).as_array().unwrap().is_empty());
}

#[test]
fn sealed_content_is_published_bought_granted_and_opened_and_a_bad_key_is_proved() {
    let network = Network::start(&Options { validators: 1, pause: "200ms", gateway: true, ..Options::default() });
    let gateway = network.gateway();
    let [plain, sealed, opened] = ["plain", "sealed", "opened"].map(|name| network.path().join(name));
    let text = |path: &Path| path.to_str().unwrap().to_owned();
    content(&plain);
    let made = network.cairnd_json(&["asset", "encrypt", &text(&plain), "--out", &text(&sealed)]);
    assert_eq!((made["files"].as_u64(), made["items"].as_u64()), (Some(2), Some(3)));
    let published = signed(&network, &["asset", "publish", &text(&sealed), "--title", "sealed", "--gateway", &gateway]);
    assert_eq!((published["asset"].as_u64(), published["version"].as_u64()), (Some(1), Some(1)));

    let terms = offer(&network);
    let bought = signed(&network, &["license", "buy", &terms, "--yes"]);
    assert_eq!(bought["status"], "LICENSE_STATUS_PAID");
    let _ = network.cairnd(&[&["license", "grant", "--once"], &FROM[..]].concat());
    let done = signed(&network, &["license", "open", "1", "--out", &text(&opened), "--gateway", &gateway]);
    assert_eq!((done["files"].as_u64(), done["kept"].as_u64(), done["bytes"].as_u64()), (Some(2), Some(0), Some(3_000_005)));
    for name in ["hello.txt", "deep/long"] {
        assert!(fs::read(plain.join(name)).unwrap() == fs::read(opened.join(name)).unwrap(), "{name}");
    }

    // An owner who grants 80 bytes of nothing: the chain opens them itself, and the price comes back.
    signed(&network, &["license", "buy", &terms, "--yes"]);
    signed(&network, &["tx", "licensing", "grant-key", "--license-id", "2", "--wrapped-key", &BASE64.encode([0; 80])]);
    let judged = signed(&network, &["license", "report-key", "2"]);
    assert_eq!(judged["bad"], true);
    let found = network.cairnd_json(&["query", "licensing", "license", "2"]);
    assert_eq!(found["license"]["status"], "LICENSE_STATUS_REFUNDED");

    a_later_version_is_opened_too(&network, &gateway);
    pays_calls(&network);
}
