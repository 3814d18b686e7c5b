//! Job descriptions that are read, and those that are refused.
use super::*;
use crate::cli::reply::Reply;

fn description(more: &str) -> Description {
    toml::from_str(&format!("title = 'x'\nclasses = ['cat', 'dog']\nitem_kind = 'text'\nprice = '1ucairn'\nduration = 1\n{more}")).unwrap()
}

#[test]
fn gold_that_leaves_its_item_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let list = folder.path().join("items.jsonl");
    let find = |end: u32| {
        let line = format!("{{\"text\":\"caf\u{e9}s\",\"spans\":[{{\"class\":\"cat\",\"start\":1,\"end\":{end}}}]}}\n");
        fs::write(&list, line).unwrap();
        description("type = 'span'").items(folder.path(), Some(&list), &folder.path().join("job.toml"))
    };
    assert!(find(5).is_ok());
    let err = format!("{:#}", find(6).err().unwrap());
    assert!(err.contains("gold of ") && err.contains("ends at 6, but the text has 5 characters"), "{err}");
}

#[test]
fn items_and_gold_are_checked() {
    let folder = tempfile::tempdir().unwrap();
    let items = folder.path().join("items");
    fs::create_dir(&items).unwrap();
    fs::write(items.join("a"), "1").unwrap();
    fs::write(items.join("b"), "2").unwrap();
    let find = |gold: &str| {
        fs::write(folder.path().join("gold.csv"), gold).unwrap();
        description("gold = 'gold.csv'").items(&items, None, &folder.path().join("job.toml")).map(|found| found.items)
    };
    for (text, why) in
        [("item,class\nc,cat\n", "no item"), ("item,class\na,cow\n", "none of the classes"), ("item,class\na,cat\na,cat\n", "twice")]
    {
        let err = find(text).unwrap_err();
        assert!(format!("{err:#}").contains(why), "{err:#}");
    }
    let found = find("item,class\nb,dog\n").unwrap();
    assert_eq!(found.iter().map(|i| i.gold.clone()).collect::<Vec<_>>(), [None, Some(Reply::Class(1))]);
    assert_eq!(description("").media_type(&found).unwrap(), "text/plain");
    assert_eq!(description("media_type = 'text/markdown'").media_type(&found).unwrap(), "text/markdown");
    assert!(description("media_type = 'image/png'").media_type(&found).unwrap_err().to_string().contains("a is text/plain"));
}

#[test]
fn a_list_brings_items_and_gold() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("items.jsonl"), "{\"text\":\"one\",\"class\":\"dog\"}\n{\"text\":\"two\"}\n").unwrap();
    let found = description("").items(folder.path(), None, &folder.path().join("job.toml")).unwrap();
    assert_eq!(
        found.items.iter().map(|i| (&*i.name, i.gold.clone())).collect::<Vec<_>>(),
        [("line-1", Some(Reply::Class(1))), ("line-2", None)]
    );
}

fn of_type(kind: &str, more: &str) -> Description {
    toml::from_str(&format!("title = 'x'\ntype = '{kind}'\nprice = '30000ucairn'\nduration = 700\n{more}")).unwrap()
}

#[test]
fn every_type_has_its_classes_and_terms() {
    for (kind, classes, overlap, early) in [
        ("verify", vec!["reject", "accept"], 5, true),
        ("pairwise", vec!["left", "right", "tie"], 5, true),
        ("text", vec![], 3, false),
        ("audio", vec![], 3, false),
    ] {
        let found = of_type(kind, "");
        assert_eq!(found.classes().unwrap(), classes, "{kind}");
        assert_eq!((found.overlap().unwrap(), found.has_early_gold().unwrap()), (overlap, early), "{kind}");
    }
    assert!(of_type("box", "").classes().unwrap_err().to_string().contains("need classes"));
    assert!(of_type("text", "classes = ['a']").classes().unwrap_err().to_string().contains("no classes"));
    assert!(of_type("boxes", "").kind().unwrap_err().to_string().contains("multi-label"));
    assert_eq!(of_type("span", "").item_kind().unwrap(), ItemKind::Text);
    assert_eq!(of_type("box", "").item_kind().unwrap(), ItemKind::Image);
}

#[test]
fn verification_has_defaults_and_belongs_to_drafts() {
    let stage = of_type("box", "classes = ['a']").verification().unwrap().unwrap();
    let price = stage.price.clone().unwrap();
    assert_eq!((price.amount.as_str(), price.denom.as_str()), ("6000", "ucairn"));
    assert_eq!((stage.overlap, stage.duration, stage.accept_bps, stage.iou_bps), (3, 700, 7_500, 7_000));
    let told = "[verification]\nprice = '2000ucairn'\nverdicts = 5\nduration = 400\naccept_bps = 8000\n";
    let stage = of_type("text", told).verification().unwrap().unwrap();
    assert_eq!((stage.overlap, stage.duration, stage.accept_bps, stage.iou_bps), (5, 400, 8_000, 0));
    assert!(of_type("text", "[verification]\niou_bps = 5000").verification().unwrap_err().to_string().contains("iou_bps"));
    assert!(of_type("verify", told).verification().unwrap_err().to_string().contains("[verification]"));
    assert!(of_type("verify", "").verification().unwrap().is_none());
    assert!(of_type("box", "[pairs]\neach = 4").pairs().unwrap_err().to_string().contains("[pairs]"));
    let error = of_type("text", "gold = 'gold.csv'").gold(Path::new("job.toml")).unwrap_err();
    assert!(error.to_string().contains("job judge"));
}
