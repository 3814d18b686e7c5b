//! The doors of our node beside those of an unmodified `simd`: every endpoint that both serve, as the descriptors list them, is asked the same
//! of both, with good, missing and broken arguments, over REST and gRPC-web; what differs in status, structure, formats of values, texts of
//! refusals or headers must be on the list of `allowed.rs`.
mod allowed;
mod ask;
mod endpoints;
mod posts;
mod shape;
mod state;

use std::collections::BTreeSet;

use endpoints::Endpoint;
use serde_json::Value;
use state::Pair;

/// What was asked of both and how it differed.
#[derive(Default)]
struct Findings {
    asked: usize,
    differing: Vec<String>,
    allowed: BTreeSet<&'static str>,
}

impl Findings {
    /// Compares two answers to `what`, of the endpoint with the template `of`.
    fn compare(&mut self, of: &str, what: &str, ours: &ask::Answer, sims: &ask::Answer) {
        self.asked += 1;
        for difference in ask::differences(ours, sims) {
            match allowed::reason(of, &difference, ours, sims) {
                Some(reason) => drop(self.allowed.insert(reason)),
                None => self.differing.push(format!("{what}: {difference}\n    ours {ours}\n    simd {sims}")),
            }
        }
    }
}

#[test]
fn the_doors_answer_as_those_of_an_unmodified_simd() {
    let pair = Pair::start();
    let mut found = Findings::default();
    let (mut shared, mut ours_only, mut missing) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
    for endpoint in endpoints::all() {
        match endpoint.served(&pair) {
            (true, true) => drop(shared.insert(compare(&endpoint, &pair, &mut found))),
            (true, false) => drop(ours_only.insert(endpoint.template)),
            (false, true) if !allowed::absent(&endpoint.template) => drop(missing.insert(endpoint.template)),
            (false, _) => {}
        }
    }
    posts::compare(&pair, &mut found);
    the_same_events(&pair);
    println!(
        "{} endpoints, {} questions, {} allowed differences; here alone: {ours_only:#?}",
        shared.len(),
        found.asked,
        found.allowed.len()
    );
    found.allowed.iter().for_each(|reason| println!("allowed: {reason}"));
    assert!(missing.is_empty(), "simd serves these and we do not: {missing:#?}");
    assert!(shared.len() >= 40, "only {shared:#?} were compared");
    assert!(found.differing.is_empty(), "{} differences:\n{}", found.differing.len(), found.differing.join("\n"));
}

/// Asks both sides everything of one endpoint.
fn compare(endpoint: &Endpoint, pair: &Pair, found: &mut Findings) -> String {
    for question in endpoint.questions(pair) {
        let (ours, sims) = question.ask(pair);
        found.compare(&endpoint.template, &question.name, &ours, &sims);
    }
    let (ours, sims) = endpoint.over_grpc_web(pair);
    found.compare(&endpoint.template, &format!("gRPC-web {}", endpoint.method.full_name()), &ours, &sims);
    endpoint.template.clone()
}

/// What indexers and wallets read of a transaction: the same events in the same order, with the same attributes, each of which can be searched for.
/// `simd` is paid no fee, so that its begin after the transfer of ours.
fn the_same_events(pair: &Pair) {
    let shown = |response: &Value| -> Vec<String> {
        let attribute = |a: &Value| format!("{}{}", a["key"].as_str().unwrap(), if a["index"] == true { "" } else { " (not indexed)" });
        let event = |event: &Value| {
            let attributes: Vec<_> = event["attributes"].as_array().unwrap().iter().map(attribute).collect();
            format!("{}({})", event["type"].as_str().unwrap(), attributes.join(", "))
        };
        response["events"].as_array().unwrap().iter().map(event).skip_while(|event| !event.starts_with("tx(fee")).collect()
    };
    let differ = |[ours, sims]: &[Value; 2]| {
        let (ours, theirs) = (shown(ours), shown(sims));
        (ours != theirs || ours.len() < 4).then(|| format!("{}\n  ours {ours:?}\n  simd {theirs:?}", sims["tx"]["body"]["messages"]))
    };
    let differing: Vec<_> = pair.done.iter().filter_map(differ).collect();
    assert!(differing.is_empty(), "{}", differing.join("\n"));
}
