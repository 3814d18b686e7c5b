//! Items of published versions.
use crate::world::{Manifest, World};

#[tokio::test]
async fn owner_and_licensee_get_a_versions_items_and_nobody_else_does() {
    let world = World::new().await;
    let (owner, buyer, other) = (world.person(1).await, world.person(2).await, world.person(3).await);
    let (old, new) = (Manifest::of(2, 1), Manifest::of(3, 2));
    owner.put_all(&old).await;
    owner.put_all(&new).await;
    world.node.publish(6, 1, &owner.address(), old.root());
    world.node.publish(6, 2, &owner.address(), new.root());
    let path = "/v1/assets/6/versions/2/items/2";
    world.stranger().get(path).await.is_refused(401, "sign_in_required");
    other.get(path).await.is_refused(403, "no_license");
    assert_eq!(owner.get(path).await.is(200).body, new.contents[2]);
    world.node.facts().licenses.insert((6, buyer.address()), 105);
    assert_eq!(buyer.get(path).await.is(200).body, new.contents[2]);
    assert_eq!(buyer.get("/v1/assets/6/versions/1/items/0").await.is(200).body, old.contents[0]);
    assert_eq!(buyer.get("/v1/assets/6/versions/0/items/0").await.is(200).body, new.contents[0], "0 is the newest");
    assert_eq!(buyer.get("/v1/assets/6/versions/2/manifest").await.is(200).body, new.lines().into_bytes());
    let proof = buyer.get(&format!("{path}/proof")).await.is(200).json();
    assert_eq!((proof["index"].as_u64(), proof["root"].as_str()), (Some(2), Some(hex::encode(new.root()).as_str())));
    world.node.facts().height = 105;
    buyer.get(path).await.is_refused(403, "no_license");
    buyer.get("/v1/assets/6/versions/2/manifest").await.is_refused(403, "no_license");
}

#[tokio::test]
async fn versions_and_items_that_are_not_there_are_told() {
    let world = World::new().await;
    let owner = world.person(1).await;
    let manifest = Manifest::of(2, 1);
    owner.put_all(&manifest).await;
    world.node.publish(1, 1, &owner.address(), manifest.root());
    world.node.publish(2, 1, &owner.address(), [3; 32]);
    owner.get("/v1/assets/1/versions/2/items/0").await.is_refused(404, "not_on_chain");
    owner.get("/v1/assets/9/versions/1/items/0").await.is_refused(404, "not_on_chain");
    owner.get("/v1/assets/1/versions/1/items/2").await.is_refused(404, "unknown_item");
    owner.get("/v1/assets/2/versions/1/items/0").await.is_refused(404, "not_served");
    owner.get("/v1/assets/x/versions/1/items/0").await.is_refused(400, "bad_request");
    owner.get("/v1/assets/1/versions/1/items/x/proof").await.is_refused(400, "bad_request");
}
