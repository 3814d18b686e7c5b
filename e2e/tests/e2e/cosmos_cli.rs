//! The command line of the Cosmos SDK does here what it does on its own chains.
use cairn_e2e::{CosmosCli, Network, Options, until};
use serde_json::{Value, json};

/// Two validators, one of them operated by `requester`, and votes of a few seconds.
fn network() -> Network {
    Network::start_with(&Options { validators: 2, ..Options::default() }, |genesis| {
        let rules = &mut genesis["app_state"]["gov"]["params"];
        rules["voting_period"] = json!("8s");
        rules["expedited_voting_period"] = json!("4s");
    })
}

#[test]
fn the_command_line_of_the_sdk_asks_signs_and_governs() {
    let network = network();
    let town = Town::of(CosmosCli::new(&network, &["requester", "buyer", "faucet", "lazy"]));
    town.every_module_answers();
    town.money_moves();
    town.stake_moves();
    town.grants_are_given_used_and_taken_back();
    town.accounts_vest();
    town.several_sign_one_transaction_and_one_signs_off_line();
    town.proposals_change_parameters_and_plan_upgrades();
}

struct Town {
    cli: CosmosCli,
    requester: String,
    buyer: String,
    faucet: String,
    lazy: String,
    /// The requester's validator, and the other.
    validators: [String; 2],
}

/// A number that is written as text.
fn number(value: &Value) -> u128 {
    value.as_str().and_then(|text| text.parse().ok()).unwrap_or_else(|| panic!("{value} is no number"))
}

impl Town {
    fn of(cli: CosmosCli) -> Self {
        let [requester, buyer, faucet, lazy] = ["requester", "buyer", "faucet", "lazy"].map(|name| cli.address(name));
        let own = cli.query(&["staking", "delegations", &requester])["delegation_responses"][0]["delegation"].clone();
        let all = cli.query(&["staking", "validators"])["validators"].clone();
        let all = all.as_array().unwrap().iter().map(|validator| &validator["operator_address"]);
        let (mine, others): (Vec<_>, Vec<_>) = all.partition(|address| **address == own["validator_address"]);
        let validators = [mine[0], others[0]].map(|address| address.as_str().unwrap().to_owned());
        Self { cli, requester, buyer, faucet, lazy, validators }
    }

    fn balance(&self, address: &str) -> u128 {
        number(&self.cli.query(&["bank", "balance", address, "ucairn"])["balance"]["amount"])
    }

    /// Each of the SDK's questions, with what its answer must hold.
    fn every_module_answers(&self) {
        let (r, v) = (self.requester.as_str(), self.validators[0].as_str());
        let questions: [(&[&str], &str); 41] = [
            (&["auth", "account", r], "/account/value/address"),
            (&["auth", "account-info", r], "/info/account_number"),
            (&["auth", "accounts"], "/accounts/10"),
            (&["auth", "module-accounts"], "/accounts/3"),
            (&["auth", "module-account", "gov"], "/account/value/permissions"),
            (&["auth", "params"], "/params/max_memo_characters"),
            (&["auth", "bech32-prefix"], "/bech32_prefix"),
            (&["bank", "balances", r], "/balances/0/amount"),
            (&["bank", "spendable-balances", r], "/balances/0/amount"),
            (&["bank", "total-supply"], "/supply/0/denom"),
            (&["bank", "total-supply-of", "ucairn"], "/amount/amount"),
            (&["bank", "denom-metadata", "ucairn"], "/metadata/display"),
            (&["bank", "denoms-metadata"], "/metadatas/0/base"),
            (&["bank", "denom-owners", "ucairn"], "/denom_owners/5/address"),
            (&["bank", "params"], "/params/default_send_enabled"),
            (&["staking", "validators"], "/validators/1/tokens"),
            (&["staking", "validator", v], "/validator/consensus_pubkey"),
            (&["staking", "delegations-to", v], "/delegation_responses/0/balance/amount"),
            (&["staking", "delegation", r, v], "/delegation_response/balance/amount"),
            (&["staking", "pool"], "/pool/bonded_tokens"),
            (&["staking", "params"], "/params/unbonding_time"),
            (&["staking", "historical-info", "2"], "/hist/header"),
            (&["slashing", "params"], "/params/signed_blocks_window"),
            (&["slashing", "signing-infos"], "/info/1/address"),
            (&["distribution", "params"], "/params/community_tax"),
            (&["distribution", "commission", v], "/commission"),
            (&["distribution", "rewards", r], "/rewards/0/validator_address"),
            (&["distribution", "validator-outstanding-rewards", v], "/rewards"),
            (&["distribution", "validator-distribution-info", v], "/operator_address"),
            (&["mint", "params"], "/params/mint_denom"),
            (&["mint", "inflation"], "/inflation"),
            (&["mint", "annual-provisions"], "/annual_provisions"),
            (&["gov", "params"], "/params/quorum"),
            (&["gov", "proposals"], "/pagination"),
            (&["upgrade", "module-versions"], "/module_versions/5/version"),
            (&["upgrade", "authority"], "/address"),
            (&["evidence", "list"], "/pagination"),
            (&["consensus", "params"], "/params/block/max_bytes"),
            (&["consensus", "comet", "block-by-height", "2"], "/block/header/chain_id"),
            (&["consensus", "comet", "node-info"], "/application_version/cosmos_sdk_version"),
            (&["consensus", "comet", "validator-set"], "/validators/1/address"),
        ];
        for (asked, place) in questions {
            let answer = self.cli.query(asked);
            assert!(answer.pointer(place).is_some_and(|found| !found.is_null()), "query {asked:?} has no {place}: {answer}");
        }
        assert_eq!(self.cli.query(&["block", "--type=height", "2"])["header"]["height"], "2");
        assert_ne!(self.cli.query(&["blocks", "--query", "block.height > 1"])["blocks"][0], Value::Null);
    }

    fn money_moves(&self) {
        let (before, rest) = (self.balance(&self.faucet), self.balance(&self.requester));
        let sent = self.cli.tx_as_named(&["bank", "send", "requester", &self.faucet, "1000ucairn", "--note", "hello"]);
        let fee = number(&sent["tx"]["auth_info"]["fee"]["amount"][0]["amount"]);
        assert_eq!(sent["tx"]["body"]["memo"], "hello");
        assert_eq!((self.balance(&self.faucet) - before, rest - self.balance(&self.requester)), (1_000, 1_000 + fee));
        self.cli.tx_as_named(&["bank", "multi-send", "requester", &self.faucet, &self.lazy, "10ucairn"]);
        self.cli.tx_as_named(&["bank", "send", "requester", &self.faucet, "1ucairn", "--sign-mode", "amino-json"]);
        assert_eq!(self.balance(&self.faucet) - before, 1_011);
        let late = self.cli.refused("requester", &["bank", "send", &self.requester, &self.faucet, "1ucairn", "--timeout-height", "1"]);
        assert!(late.contains("timeout height"), "{late}");
        let poor = self.cli.refused("lazy", &["bank", "send", &self.lazy, &self.faucet, "999999999999999999ucairn"]);
        assert!(poor.contains("insufficient funds"), "{poor}");
    }

    fn stake_moves(&self) {
        let [first, second] = self.validators.each_ref().map(String::as_str);
        let staked =
            |v: &str| number(&self.cli.query(&["staking", "delegation", &self.lazy, v])["delegation_response"]["balance"]["amount"]);
        self.cli.tx("lazy", &["staking", "delegate", first, "100000ucairn"]);
        self.cli.tx("lazy", &["staking", "redelegate", first, second, "30000ucairn"]);
        self.cli.tx("lazy", &["staking", "unbond", first, "20000ucairn"]);
        assert_eq!((staked(first), staked(second)), (50_000, 30_000));
        let leaves = self.cli.query(&["staking", "unbonding-delegation", &self.lazy, first])["unbond"]["entries"][0].clone();
        assert_eq!(leaves["balance"], "20000");
        self.cli.tx("lazy", &["staking", "cancel-unbond", first, "20000ucairn", leaves["creation_height"].as_str().unwrap()]);
        assert_eq!(staked(first), 70_000);
        assert!(self.cli.refused("lazy", &["staking", "redelegate", first, first, "1ucairn"]).contains("same validator"));

        self.cli.tx("requester", &["staking", "edit-validator", "--new-moniker", "renamed"]);
        assert_eq!(self.cli.query(&["staking", "validator", first])["validator"]["description"]["moniker"], "renamed");
        assert!(self.cli.refused("requester", &["slashing", "unjail"]).contains("not jailed"));
        let key = self.cli.query(&["staking", "validator", first])["validator"]["consensus_pubkey"]["value"].clone();
        let twin = json!({ "pubkey": { "@type": "/cosmos.crypto.ed25519.PubKey", "key": key }, "amount": "1000ucairn", "moniker": "twin",
            "commission-rate": "0.1", "commission-max-rate": "0.2", "commission-max-change-rate": "0.01", "min-self-delegation": "1" });
        let twin = self.cli.file("twin.json", &twin.to_string());
        assert!(self.cli.refused("lazy", &["staking", "create-validator", &twin]).contains("pubkey"));

        self.cli.tx("requester", &["distribution", "withdraw-rewards", first, "--commission"]);
        self.cli.tx("lazy", &["distribution", "withdraw-all-rewards"]);
        self.cli.tx("lazy", &["distribution", "set-withdraw-addr", &self.faucet]);
        self.cli.tx("requester", &["distribution", "fund-community-pool", "777ucairn"]);
        self.cli.tx("requester", &["distribution", "fund-validator-rewards-pool", first, "100ucairn"]);
        assert!(self.cli.query(&["distribution", "community-pool"])["pool"][0].is_string());
    }

    fn grants_are_given_used_and_taken_back(&self) {
        for kind in [
            &["send", "--spend-limit", "1000ucairn"][..],
            &["generic", "--msg-type", "/cosmos.gov.v1.MsgVote"],
            &["delegate", "--spend-limit", "1000ucairn", "--allowed-validators", &self.validators[0]],
        ] {
            self.cli.tx("requester", &[&["authz", "grant", &self.buyer], kind].concat());
        }
        let grants = |cli: &CosmosCli| cli.query(&["authz", "grants", &self.requester, &self.buyer])["grants"].clone();
        assert_eq!(grants(&self.cli).as_array().unwrap().len(), 3);
        let send = ["bank", "send", &self.requester, &self.faucet, "10ucairn"];
        let file = self.cli.unsigned("exec.json", &send);
        self.cli.tx("buyer", &["authz", "exec", &file]);
        let left = grants(&self.cli).to_string();
        assert!(left.contains("\"990\""), "{left}");
        self.cli.tx("requester", &["authz", "revoke", &self.buyer, "/cosmos.gov.v1.MsgVote"]);
        assert_eq!(grants(&self.cli).as_array().unwrap().len(), 2);

        let allow = ["--spend-limit", "100000ucairn", "--expiration", "2090-01-02T15:04:05Z"];
        let only = ["--allowed-messages", "/cosmos.bank.v1beta1.MsgSend"];
        self.cli.tx_as_named(&[&["feegrant", "grant", "requester", &self.lazy], &allow[..], &only].concat());
        let before = self.balance(&self.lazy);
        self.cli.tx_as_named(&["bank", "send", "lazy", &self.faucet, "1ucairn", "--fee-granter", &self.requester]);
        assert_eq!(before - self.balance(&self.lazy), 1, "the granter pays the fee");
        let left = self.cli.query(&["feegrant", "grant", &self.requester, &self.lazy]).to_string();
        assert!(left.contains("AllowedMsgAllowance") && !left.contains("\"100000\""), "{left}");
        self.cli.tx_as_named(&["feegrant", "revoke", "requester", &self.lazy]);
        let period = ["--period", "3600", "--period-limit", "10ucairn"];
        self.cli.tx_as_named(&[&["feegrant", "grant", "requester", &self.lazy], &period[..]].concat());
        let given = self.cli.query(&["feegrant", "grants-by-granter", &self.requester]);
        assert_eq!(given["allowances"][0]["allowance"]["value"]["period_spend_limit"][0]["amount"], "10", "{given}");
    }

    fn accounts_vest(&self) {
        let periods = json!({ "start_time": 4_000_000_000_u64, "periods": [
            { "coins": "10ucairn", "length_seconds": 100 }, { "coins": "20ucairn", "length_seconds": 200 }] });
        let periods = self.cli.file("periods.json", &periods.to_string());
        let end = "4100000000";
        let kinds: [(&str, &[&str], &str); 4] = [
            ("continuous", &["create-vesting-account", "", "1000ucairn", end], "ContinuousVestingAccount"),
            ("delayed", &["create-vesting-account", "", "1000ucairn", end, "--delayed"], "DelayedVestingAccount"),
            ("locked", &["create-permanent-locked-account", "", "1000ucairn"], "PermanentLockedAccount"),
            ("periodic", &["create-periodic-vesting-account", "", &periods], "PeriodicVestingAccount"),
        ];
        for (key, args, kind) in kinds {
            let _ = self.cli.local(&["keys", "add", key, "--keyring-backend", "test", "--output", "json"]);
            let address = self.cli.address(key);
            let args: Vec<&str> = args.iter().map(|arg| if arg.is_empty() { address.as_str() } else { arg }).collect();
            self.cli.tx("requester", &[&["vesting"], &args[..]].concat());
            let found = self.cli.query(&["auth", "account", &address]);
            assert_eq!(found["account"]["type"], format!("cosmos-sdk/{kind}"), "{found}");
            let free = self.cli.query(&["bank", "spendable-balances", &address]);
            assert!(free["balances"].as_array().is_none_or(|coins| coins.is_empty() || coins[0]["amount"] == "0"), "{free}");
        }
    }

    fn several_sign_one_transaction_and_one_signs_off_line(&self) {
        let some = ["keys", "add", "some", "--multisig", "requester,buyer,lazy", "--multisig-threshold", "2", "--keyring-backend", "test"];
        let _ = self.cli.local(&some);
        let some = self.cli.address("some");
        self.cli.tx_as_named(&["bank", "send", "requester", &some, "1000000ucairn"]);
        let file = self.cli.unsigned("some.json", &["bank", "send", &some, &self.faucet, "5ucairn", "--from", &some]);
        let signed = |name: &str| self.cli.signing(&["sign", &file, "--multisig", &some, "--from", name]);
        let parts = ["requester", "buyer"].map(|name| self.cli.file(&format!("some-{name}.json"), &signed(name)));
        let whole = self.cli.signing(&["multi-sign", &file, "some", &parts[0], &parts[1]]);
        let whole = self.cli.file("some-signed.json", &whole);
        let before = self.balance(&self.faucet);
        self.cli.broadcast(&whole);
        assert_eq!(self.balance(&self.faucet) - before, 5);
        let known = self.cli.query(&["auth", "account", &some]);
        assert_eq!(known["account"]["value"]["public_key"]["value"]["threshold"], "2", "{known}");

        let info = self.cli.query(&["auth", "account-info", &self.buyer])["info"].clone();
        let [number, sequence] = ["account_number", "sequence"].map(|part| info[part].as_str().unwrap().to_owned());
        let file = self.cli.unsigned("buyer.json", &["bank", "send", &self.buyer, &self.faucet, "4ucairn"]);
        let sign = ["sign", &file, "--offline", "--account-number", &number, "--sequence", &sequence, "--from", "buyer"];
        let signed = self.cli.file("buyer-signed.json", &self.cli.signing(&sign));
        let encoded = self.cli.local(&["tx", "encode", &signed]);
        let decoded: Value = serde_json::from_str(&self.cli.local(&["tx", "decode", encoded.trim()])).unwrap();
        assert_eq!(decoded["body"]["messages"][0]["amount"][0]["amount"], "4");
        assert!(self.cli.signing(&["validate-signatures", &signed]).contains("[OK]"));
        self.cli.broadcast(&signed);
        assert_eq!(self.balance(&self.faucet) - before, 9);
    }

    fn proposal(&self, args: &[&str]) -> String {
        let sent = self.cli.tx("requester", args);
        let events = sent["events"].as_array().unwrap().iter().filter(|event| event["type"] == "submit_proposal");
        let mut attributes = events.flat_map(|event| event["attributes"].as_array().unwrap());
        let id = attributes.find(|attribute| attribute["key"] == "proposal_id").unwrap()["value"].as_str().unwrap();
        id.to_owned()
    }

    fn passes(&self, id: &str) {
        let ended = until("the end of a vote", 60, 200, || {
            let found = self.cli.query(&["gov", "proposal", id])["proposal"].clone();
            Some(found).filter(|found| found["status"] != "PROPOSAL_STATUS_VOTING_PERIOD")
        });
        assert_eq!(ended["status"], "PROPOSAL_STATUS_PASSED", "{ended}");
    }

    fn proposals_change_parameters_and_plan_upgrades(&self) {
        let gov = self.cli.query(&["upgrade", "authority"])["address"].as_str().unwrap().to_owned();
        let mut params = self.cli.query(&["auth", "params"])["params"].clone();
        params["max_memo_characters"] = json!("300");
        let change = json!({ "messages": [{ "@type": "/cosmos.auth.v1beta1.MsgUpdateParams", "authority": gov, "params": params }],
            "metadata": "ipfs://none", "deposit": "10000000ucairn", "title": "memos", "summary": "longer memos", "expedited": false });
        let change = self.cli.file("change.json", &change.to_string());
        let told = ["--title", "next", "--summary", "the next release", "--deposit", "10000000ucairn"];
        let plan = ["upgrade", "software-upgrade", "next", "--upgrade-height", "1000000", "--upgrade-info", "none", "--no-validate"];
        let text = ["gov", "submit-legacy-proposal", "--title", "a", "--description", "b", "--type", "Text", "--deposit", "1000000ucairn"];
        let change = self.proposal(&["gov", "submit-proposal", &change]);
        let plan = self.proposal(&[&plan[..], &told].concat());
        self.cli.tx("buyer", &["staking", "delegate", &self.validators[1], "1000000ucairn"]);
        for id in [&change, &plan] {
            self.cli.tx("requester", &["gov", "vote", id, "yes"]);
            self.cli.tx("buyer", &["gov", "weighted-vote", id, "yes=0.7,no=0.1,abstain=0.1,no_with_veto=0.1"]);
        }
        assert_eq!(self.cli.query(&["gov", "votes", &plan])["votes"].as_array().unwrap().len(), 2);
        let text = self.proposal(&text);
        assert!(self.cli.refused("lazy", &["gov", "vote", &text, "yes"]).contains("inactive proposal"));
        assert_eq!(self.cli.query(&["gov", "deposits", &text])["deposits"][0]["amount"][0]["amount"], "1000000");
        self.cli.tx("requester", &["gov", "cancel-proposal", &text]);
        self.passes(&change);
        self.passes(&plan);
        assert_eq!(self.cli.query(&["auth", "params"])["params"]["max_memo_characters"], "300");
        let planned = self.cli.query(&["upgrade", "plan"]);
        assert_eq!((&planned["plan"]["name"], &planned["plan"]["height"]), (&json!("next"), &json!("1000000")), "{planned}");
        let cancel = self.proposal(&[&["upgrade", "cancel-software-upgrade"], &told[..]].concat());
        self.cli.tx("requester", &["gov", "vote", &cancel, "yes"]);
        self.passes(&cancel);
        assert!(self.cli.query(&["upgrade", "plan"])["plan"].is_null());
    }
}
