//! Inputs of ordered computations: who reads them, and how long they stay.
use std::{
    os::unix::fs::PermissionsExt,
    sync::Arc,
    time::{Duration, SystemTime},
};

use cairn_gateway::Report;
use cairn_proto::cairn::{
    compute::v1::{Audit, Job, Member, Verification},
    dispute::v1::{Backer, Claim, QueryContestResponse},
};

use crate::world::{Person, World, sha};

const INPUTS: &[u8] = b"tensors, as far as the gateway is concerned";
const PATH: &str = "/v1/compute/jobs/1/inputs";

fn uri(public: &str) -> String {
    format!("cairn:content/{}{public}", sha(INPUTS))
}

/// Job 1 by person 1, who uploaded its inputs; person 2 has taken it.
async fn ordered(public: &str, change: impl FnOnce(&mut Job)) -> (World, Person, Person) {
    let world = World::new().await;
    let (requester, provider) = (world.person(1).await, world.person(2).await);
    requester.put_content(INPUTS).await.is(201);
    let mut job = Job { id: 1, requester: requester.address(), provider: provider.address(), uri: uri(public), ..Job::default() };
    job.set_verification(Verification::Refereed);
    change(&mut job);
    world.node.facts().ordered.insert(1, job);
    (world, requester, provider)
}

#[tokio::test]
async fn a_program_with_a_key_signs_in_by_itself_and_fetches_them() {
    let (world, _, provider) = ordered("", |_| ()).await;
    let fetch = |world: &World, person: &Person, most| {
        let file = world.folder().join("key");
        std::fs::write(&file, hex::encode(person.key.secret_bytes())).unwrap();
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600)).unwrap();
        let key = cairn_client::keys::from_file(&file).unwrap();
        let (url, address) = (world.url("/"), person.address());
        let gateway = Arc::new(cairn_client::Gateway::new(&url, &address, key));
        move || {
            let gateway = Arc::clone(&gateway);
            async move { tokio::task::spawn_blocking(move || gateway.get(PATH, most)).await.unwrap() }
        }
    };
    let honest = fetch(&world, &provider, 1 << 20);
    assert_eq!(honest().await.unwrap(), INPUTS);
    let stranger = world.person(3).await;
    let refused = fetch(&world, &stranger, 1 << 20)().await.unwrap_err();
    let refused = refused.downcast::<cairn_client::NotGiven>().unwrap();
    assert_eq!(refused.status, 403);
    assert!(refused.message.contains(&stranger.address()), "{refused}");
    fetch(&world, &provider, 5)().await.unwrap_err();
    world.node.facts().down = true;
    assert!(honest().await.unwrap_err().downcast::<cairn_client::NotGiven>().is_err(), "it may answer later");
}

/// Eight days from now: everything that stands is old.
fn later() -> SystemTime {
    SystemTime::now() + Duration::from_secs(8 * 86_400)
}

#[tokio::test]
async fn requester_and_provider_read_the_inputs_and_strangers_do_not() {
    let (world, requester, provider) = ordered("", |_| ()).await;
    for person in [&requester, &provider] {
        let inputs = person.get(PATH).await;
        assert_eq!(inputs.is(200).body, INPUTS);
        assert_eq!((inputs.header("x-cairn-sha256"), inputs.header("cache-control")), (sha(INPUTS).as_str(), "private, no-cache"));
    }
    let stranger = world.person(3).await;
    let refused = stranger.get(PATH).await;
    refused.is_refused(403, "no_access");
    assert!(refused.json()["message"].as_str().unwrap().contains(&stranger.address()));
    world.stranger().get(PATH).await.is_refused(401, "sign_in_required");
    // Whoever loses the job loses its inputs with it, at once.
    world.node.facts().ordered.get_mut(&1).unwrap().provider = stranger.address();
    stranger.get(PATH).await.is(200);
    provider.get(PATH).await.is_refused(403, "no_access");
}

#[tokio::test]
async fn all_who_run_a_redundant_job_its_auditor_and_its_contests_parties_read_them() {
    let (world, ..) = ordered("", |job| job.case_id = 4).await;
    let (member, auditor, challenger) = (world.person(4).await, world.person(5).await, world.person(6).await);
    for person in [&member, &auditor, &challenger] {
        person.get(PATH).await.is_refused(403, "no_access");
    }
    let joined = Member { provider: member.address(), ..Member::default() };
    world.node.facts().ordered.get_mut(&1).unwrap().members.push(joined);
    world.node.facts().audits.insert(1, Audit { job_id: 1, auditor: auditor.address(), ..Audit::default() });
    let backer = Backer { account: challenger.address(), ..Backer::default() };
    let claims = vec![Claim::default(), Claim { number: 1, backers: vec![backer], ..Claim::default() }];
    world.node.facts().contests.insert(4, QueryContestResponse { claims, ..QueryContestResponse::default() });
    for person in [&member, &auditor, &challenger] {
        assert_eq!(person.get(PATH).await.is(200).body, INPUTS);
    }
    world.person(7).await.get(PATH).await.is_refused(403, "no_access");
}

#[tokio::test]
async fn public_inputs_are_anybodys_but_never_those_with_salts() {
    let (world, ..) = ordered("?public", |_| ()).await;
    assert_eq!(world.stranger().get(PATH).await.is(200).body, INPUTS);
    let (world, requester, provider) = ordered("?public", |job| {
        job.set_verification(Verification::Groth16);
        job.case_id = 4;
    })
    .await;
    let auditor = world.person(5).await;
    world.node.facts().audits.insert(1, Audit { job_id: 1, auditor: auditor.address(), ..Audit::default() });
    world.stranger().get(PATH).await.is_refused(401, "sign_in_required");
    auditor.get(PATH).await.is_refused(403, "no_access");
    requester.get(PATH).await.is(200);
    provider.get(PATH).await.is(200);
}

#[tokio::test]
async fn what_is_not_there_is_told_by_its_code() {
    let (world, requester, _) = ordered("", |_| ()).await;
    requester.get("/v1/compute/jobs/2/inputs").await.is_refused(404, "not_on_chain");
    requester.get("/v1/compute/jobs/x/inputs").await.is_refused(400, "bad_request");
    requester.put(PATH, "x").await.is_refused(405, "method_not_allowed");
    world.node.facts().ordered.get_mut(&1).unwrap().uri = "https://elsewhere/inputs".to_owned();
    requester.get(PATH).await.is_refused(404, "not_served");
    world.node.facts().ordered.get_mut(&1).unwrap().uri = format!("cairn:content/{}", sha(b"never uploaded"));
    requester.get(PATH).await.is_refused(404, "not_served");
    world.node.facts().down = true;
    requester.get(PATH).await.is_refused(503, "chain_unreachable");
}

#[tokio::test]
async fn naming_the_hash_of_anothers_inputs_shows_nothing() {
    let (world, requester, _) = ordered("", |_| ()).await;
    let thief = world.person(3).await;
    let job = Job { id: 2, requester: thief.address(), uri: uri("?public"), ..Job::default() };
    world.node.facts().ordered.insert(2, job);
    thief.get("/v1/compute/jobs/2/inputs").await.is_refused(404, "not_served");
    requester.get(PATH).await.is(200);
    thief.get("/v1/compute/jobs/2/inputs").await.is_refused(404, "not_served");
}

#[tokio::test]
async fn inputs_that_the_chain_names_stay_and_others_go() {
    let (world, requester, provider) = ordered("", |_| ()).await;
    // Three more, so that the walk has to turn pages; the last one was read by nobody yet.
    for id in 2..=4 {
        let text = format!("inputs of {id}");
        requester.put_content(text.as_bytes()).await.is(201);
        let uri = format!("cairn:content/{}", sha(text.as_bytes()));
        world.node.facts().ordered.insert(id, Job { id, requester: requester.address(), uri, ..Job::default() });
    }
    requester.put_content(b"named by nothing").await.is(201);
    // Named by another's job only.
    provider.put_content(b"inputs of 2, not mine").await.is(201);
    world.node.facts().down = true;
    world.gateway.collect(later(), false).await.unwrap_err();
    world.node.facts().down = false;
    let expected = Report { contents: 2, bytes: 37, ..Report::default() };
    assert_eq!(world.gateway.collect(later(), true).await.unwrap(), expected, "a dry run counts");
    assert_eq!(world.gateway.collect(later(), false).await.unwrap(), expected);
    assert_eq!(requester.get(PATH).await.is(200).body, INPUTS);
    assert_eq!(requester.get("/v1/compute/jobs/4/inputs").await.is(200).body, b"inputs of 4");
    let metrics = String::from_utf8(requester.get("/metrics").await.body).unwrap();
    assert!(metrics.contains("cairn_gateway_unreferenced_bytes 0\n"), "{metrics}");
}
