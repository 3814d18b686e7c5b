//! Calls of the main job's model, sold over HTTP: vouchers are checked against the chain, served once, and redeemed by the agent itself.
use std::{path::Path, process::Command, time::Duration};

use base64::{Engine, engine::general_purpose::STANDARD as BASE64};
use cairn_e2e::{Network, Process, program, until};
use serde_json::{Value, json};

/// An agent that serves the model of a run, with its account and a home for vouchers.
struct Shop {
    process: Process,
    url: String,
}

impl Shop {
    fn open(network: &Network, out: &Path, log: &str) -> Self {
        let log = out.join(log);
        let at = |name: &str| out.join(name).display().to_string();
        let mut command = Command::new(program("cairn-agent"));
        command.args(["serve", "--model", &at("digits.safetensors"), "--key", &at("receipts.key"), "--listen", "127.0.0.1:0"]);
        command.args(["--node", &network.rpc(0), "--account", &at("provider/key"), "--home", &at("shop")]);
        let process = Process::start("shop", &mut command, &log);
        let url = until("the agent serves", 60, 200, || {
            let text = std::fs::read_to_string(&log).ok()?;
            text.lines().find_map(|line| line.strip_prefix("listening on ").map(str::to_owned))
        });
        Self { process, url }
    }

    fn call(&self, voucher: &str) -> (u16, Value) {
        let config = ureq::Agent::config_builder().timeout_global(Some(Duration::from_secs(60))).http_status_as_error(false).build();
        let request = ureq::Agent::from(config).post(format!("{}/v1/infer", self.url)).header("content-type", "application/json");
        let body = json!({ "input": vec![5; 64] }).to_string();
        let mut response = request.header("x-cairn-voucher", voucher).send(body.as_str()).unwrap();
        (response.status().as_u16(), serde_json::from_str(&response.body_mut().read_to_string().unwrap()).unwrap())
    }

    fn refused(&self, voucher: &str, why: &str) {
        let (status, told) = self.call(voucher);
        assert!(status == 402 && told["error"]["message"].as_str().unwrap().contains(why), "{status} {told}");
    }
}

/// With the network of the main job, and the folder in which it left its model and the provider's key.
pub(super) fn are_sold(network: &Network, out: &Path) {
    let mut shop = Shop::open(network, out, "shop.log");
    let mut listed = ureq::get(format!("{}/v1/models", shop.url)).call().unwrap();
    let listed: Value = serde_json::from_str(&listed.body_mut().read_to_string().unwrap()).unwrap();
    let terms = &listed["data"][0]["payment"];
    let (asset, provider) = (terms["asset"].to_string(), terms["provider"].as_str().unwrap());

    // What is licensed is a version of the asset; the model's file stays sealed, as calls are all that is sold.
    let [plain, sealed] = ["model", "model-sealed"].map(|name| out.join(name));
    std::fs::create_dir_all(&plain).unwrap();
    std::fs::copy(out.join("digits.safetensors"), plain.join("digits.safetensors")).unwrap();
    network.cairnd_json(&["asset", "encrypt", plain.to_str().unwrap(), "--out", sealed.to_str().unwrap()]);
    let publish = ["asset", "publish", sealed.to_str().unwrap(), "--asset", &asset, "--gateway", &network.gateway(), "--from", "requester"];
    network.cairnd_json(&publish);
    let content = json!({
        "asset_id": terms["asset"], "title": "calls", "scope": { "infer": true }, "pricing": "PRICING_PER_CALL", "seats": 1,
        "prices": [{ "denom": "ucairn", "amount": "1000" }], "provider_bps": 5_000, "providers": [provider],
        "legal_text": { "uri": "https://example.org/terms", "sha256": BASE64.encode([0; 32]) },
    });
    network.cairnd_json(&["tx", "licensing", "offer-terms", "--content", &content.to_string(), "--from", "requester"]);
    let offered = network.cairnd_json(&["query", "licensing", "terms-by-asset", &asset]);
    let offered = offered["terms"].as_array().unwrap().iter().find(|terms| terms["content"]["title"] == "calls").unwrap();
    let buyer = |args: &[&str]| network.cairnd_json(&[args, &["--from", "buyer"]].concat());
    let license = buyer(&["license", "buy", offered["id"].as_str().unwrap(), "--yes"])["license"].to_string();
    let open = ["license", "session", "open", &license, "--provider", provider, "--deposit", "10000ucairn"];
    let session = buyer(&open)["session"].to_string();
    let voucher = |more: &[&str]| buyer(&[&["license", "session", "voucher", &session], more].concat()).to_string();

    shop.refused("", &format!("cairnd license session open LICENSE --provider {provider}"));
    let first = voucher(&[]);
    let (status, answer) = shop.call(&first);
    assert!(status == 200 && answer["receipt"]["signature"].is_string() && answer["class"].is_string(), "{status} {answer}");
    shop.refused(&first, "which were served");
    shop.refused(&voucher(&["--calls", "2", "--amount", "1000"]), "cost 2000, the voucher states 1000");

    // Killed at once: what was served stays served, what is paid is not lost.
    shop.process.kill();
    let mut shop = Shop::open(network, out, "shop-again.log");
    shop.refused(&first, "which were served");
    let third = voucher(&["--calls", "3", "--amount", "3000"]);
    assert_eq!((shop.call(&third).0, shop.call(&third).0), (200, 200));
    shop.refused(&third, "which were served");

    // The licensee closes without settling anything; the agent redeems within the window.
    let shown = || network.cairnd_json(&["license", "session", "show", &session]);
    assert_eq!(shown()["settled"], "0ucairn");
    buyer(&["license", "session", "close", &session]);
    until("the agent redeems", 60, 200, || (shown()["settled"] == "3000ucairn").then_some(()));
    shop.refused(&voucher(&["--calls", "4", "--amount", "4000"]), "open another");
    assert!(shop.process.stop(Duration::from_secs(10)), "SIGTERM ends it well");
}
