//! Folders and lists as people have them.
use std::{fs, path::Path};

use cairn_formats::{
    Answer, Error, ItemKind, JobKind, Media, Size, Span,
    import::{self, Content, Found, Source},
};

use crate::generate::png;

struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }
    fn path(&self) -> &Path {
        self.0.path()
    }
    fn with(self, name: &str, content: impl AsRef<[u8]>) -> Self {
        let path = self.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
        self
    }
    fn import(&self, item_kind: ItemKind) -> Result<Found, Error> {
        let classes = ["cat".to_owned(), "dog".to_owned()];
        let source = Source {
            folder: self.path(),
            list: None,
            apart: &[],
            item_kind,
            job_kind: JobKind::Classify,
            classes: &classes,
            item_bytes: 1_000,
        };
        import::import(&source, &mut |_| {})
    }
    fn refusal(&self, item_kind: ItemKind) -> String {
        self.import(item_kind).unwrap_err().to_string()
    }
}

fn picture(n: u32) -> Vec<u8> {
    png(Size { width: 4, height: 3 }, n)
}

fn names(found: &Found) -> Vec<&str> {
    found.items.iter().map(|i| &*i.name).collect()
}

#[test]
fn a_folder_is_read_with_its_folders_and_without_what_desktops_leave() {
    let folder = Folder::new()
        .with("b.png", picture(1))
        .with("sub/ä b.png", picture(2))
        .with(".DS_Store", "x")
        .with("__MACOSX/b.png", "x")
        .with("sub/Thumbs.db", "x");
    let found = folder.import(ItemKind::Image).unwrap();
    assert_eq!(names(&found), ["b.png", "sub/ä b.png"]);
    assert_eq!((found.items[0].media, found.items[0].size), (Media::Png, Some(Size { width: 4, height: 3 })));
    assert_eq!(found.notes, ["3 hidden files (such as .DS_Store) were passed over"]);
}

#[test]
fn every_fault_of_a_folder_is_told_at_once() {
    let folder = Folder::new()
        .with("empty.png", "")
        .with("large.png", [picture(1), vec![0; 1_000]].concat())
        .with("one.png", picture(2))
        .with("same.png", picture(2))
        .with("text.png", "hello")
        .with("tone.png", "RIFF....WAVEfmt ")
        .with("list.csv", "item\n");
    let text = folder.refusal(ItemKind::Image);
    for why in [
        "empty.png: has 0 bytes; an item has 1 to 1000",
        "large.png: has 1028 bytes",
        "same.png and one.png have the same content",
        "text.png: is no picture",
        "tone.png: is audio/wav, the job is about images",
        "list.csv: is no item: if it lists the items, name it with --list",
    ] {
        assert!(text.contains(why), "{why} is not in:\n{text}");
    }
    assert_eq!(text.lines().count(), 6);
    let many = (0..30).fold(Folder::new(), |folder, n| folder.with(&format!("{n}.png"), ""));
    assert!(many.refusal(ItemKind::Image).ends_with("and 10 more"));
    assert!(Folder::new().refusal(ItemKind::Image).contains("holds no items"));
    assert!(Folder::new().with("a.txt", [0xff, 0xfe]).refusal(ItemKind::Text).contains("no UTF-8 text (byte 0)"));
    assert!(Folder::new().with("a.txt", "a\0b").refusal(ItemKind::Text).contains("bytes of zero"));
    assert!(Folder::new().with("a\nb.txt", "a").refusal(ItemKind::Text).contains("control characters"));
}

#[cfg(unix)]
#[test]
fn a_link_to_a_file_is_followed_and_a_link_to_a_folder_refused() {
    let folder = Folder::new().with("a.png", picture(1));
    let elsewhere = Folder::new().with("b.png", picture(2));
    std::os::unix::fs::symlink(elsewhere.path().join("b.png"), folder.path().join("link.png")).unwrap();
    assert_eq!(names(&folder.import(ItemKind::Image).unwrap()), ["a.png", "link.png"]);
    std::os::unix::fs::symlink(folder.path(), folder.path().join("circle")).unwrap();
    assert!(folder.refusal(ItemKind::Image).contains("circle is neither a file nor a folder"));
}

#[test]
fn lists_name_items_and_truths() {
    let files = || Folder::new().with("a.png", picture(1)).with("b, c.png", picture(2)).with("unused.png", picture(3));
    let lists = [
        ("items.jsonl", "{\"item\":\"b, c.png\",\"class\":\"dog\"}\r\n\n{\"file_name\":\"a.png\",\"more\":[1]}"),
        ("items.csv", "\u{feff}file_name,label,note\n\"b, c.png\",dog,x\na.png,,\n"),
        ("items.tsv", "item\tclass\nb, c.png\tdog\na.png\t\n"),
        (
            "items.json",
            r#"[{"data":{"image":"/data/upload/1/01234567-b%2C%20c.png"},"annotations":[{"result":[{"type":"choices","value":{"choices":["dog"]}}]}]},
                {"data":{"image":"a.png"},"annotations":[{"was_cancelled":true,"result":[]}]}]"#,
        ),
        (
            "items.json",
            r#"{"annotations":[{"id":1,"image_id":9,"category_id":5}],"images":[{"id":9,"file_name":"b, c.png"},{"id":8,"file_name":"a.png"}],
                "categories":[{"id":5,"name":"dog"}],"info":{}}"#,
        ),
    ];
    for (name, text) in lists {
        let found = files().with(name, text).import(ItemKind::Image).unwrap();
        let answers: Vec<_> = found.items.iter().map(|i| (&*i.name, i.answer.as_deref())).collect();
        assert_eq!(answers, [("b, c.png", Some(&Answer::Class(1))), ("a.png", None)], "{name}");
        assert!(found.notes.iter().any(|n| n.contains("1 files") && n.contains("not named")), "{:?}", found.notes);
    }
}

#[test]
fn a_list_of_texts_needs_no_files() {
    let text = "{\"text\":\"one\",\"class\":\"cat\"}\n{\"item\":\"second\",\"text\":\"zwei ü\"}\n";
    let mut found = Folder::new().with("items.jsonl", text).import(ItemKind::Text).unwrap();
    assert_eq!(names(&found), ["line-1", "second"]);
    let Content::Spooled { offset } = found.items[1].content else { panic!("a text of the list lies in the spool") };
    assert_eq!(found.spool.text(offset).unwrap(), "zwei ü".as_bytes());
    assert_eq!(found.items[1].bytes, 7);
}

#[test]
fn a_fault_of_a_list_is_told_by_its_line() {
    let files = || Folder::new().with("a.png", picture(1)).with("x/d.png", picture(2)).with("y/d.png", picture(3));
    for (name, text, why) in [
        ("items.jsonl", "{\"item\":\"a.png\"}\n{\"item\":\"b.png\"}", "items.jsonl line 2: there is no file \"b.png\""),
        ("items.jsonl", "{\"item\":\"a.png\"}\n{\"item\":", "items.jsonl line 2: EOF"),
        ("items.jsonl", "\n{\"item\":\"a.png\",\"class\":\"cow\"}", "items.jsonl line 2: \"cow\" is none of the classes cat, dog"),
        ("items.jsonl", "{\"item\":\"a.png\"}\n{\"item\":\"./a.png\"}", "line 2: a.png stands there already (line 1)"),
        ("items.jsonl", "{\"item\":\"d.png\"}", "there are several files \"d.png\""),
        ("items.jsonl", "{}", "line 1: neither an item nor a text"),
        ("items.jsonl", "{\"text\":\"x\"}", "line 1: a text in a list of images"),
        ("items.csv", "item,class\na.png,cat,x\n", "line 2: CSV error"),
        (
            "items.csv",
            "name;class\na.png;cat\n",
            "line 1: expected a column 'item' or 'text', found name;class; separate columns by commas",
        ),
        ("items.csv", "item,file\na.png,b\n", "two columns mean the same"),
        ("items.csv", "item,boxes\na.png,[]\n", "line 2: the field 'boxes' does not belong to CLASSIFY jobs"),
        ("items.json", "[{\"data\":{}}]", "task 1: neither an item nor a text"),
        ("items.json", "[\n{\"data\":{\"image\":\"a.png\"}},\n{]", "line 3: key must be a string"),
        (
            "items.json",
            "{\"images\":[{\"id\":1,\"file_name\":\"a.png\"}],\"annotations\":[{\"image_id\":2,\"category_id\":1}]}",
            "image 2, which is not listed",
        ),
        ("items.json", "{\"categories\":[]}", "missing field `images`"),
        ("items.json", "3", "expected Label Studio's list"),
    ] {
        let text = files().with(name, text).refusal(ItemKind::Image);
        assert!(text.contains(why), "expected {why}\nfound    {text}");
    }
}

#[test]
fn names_in_two_unicode_forms_are_one_name() {
    let classes = ["Vo\u{308}gel".to_owned(), "dog".to_owned()];
    let import = |folder: &Folder, classes: &[String]| {
        let source = Source {
            folder: folder.path(),
            list: None,
            apart: &[],
            item_kind: ItemKind::Image,
            job_kind: JobKind::Classify,
            classes,
            item_bytes: 1_000,
        };
        import::import(&source, &mut |_| {})
    };
    // A list from another system than the folder.
    let list = "item,class\ngr\u{fc}n.png,V\u{f6}gel\n";
    let folder = Folder::new().with("gru\u{308}n.png", picture(1)).with("items.csv", list);
    let found = import(&folder, &classes).unwrap();
    assert_eq!(names(&found), ["gru\u{308}n.png"], "as the folder writes it");
    assert_eq!(found.items[0].answer.as_deref(), Some(&Answer::Class(0)));
    let both = Folder::new().with("gru\u{308}n.png", picture(1)).with("gr\u{fc}n.png", picture(2));
    assert!(both.refusal(ItemKind::Image).contains("another Unicode form"));
    let twice = Folder::new().with("a.png", picture(1));
    let refused = import(&twice, &["V\u{f6}gel".to_owned(), "Vo\u{308}gel".to_owned()]).unwrap_err().to_string();
    assert!(refused.contains("are one name"), "{refused}");
    let texts = "{\"item\":\"n\u{e9}\",\"text\":\"1\"}\n{\"item\":\"ne\u{301}\",\"text\":\"2\"}\n";
    assert!(Folder::new().with("items.jsonl", texts).refusal(ItemKind::Text).contains("stands there already (line 1)"));
}

#[test]
fn passages_of_label_studio_are_counted_in_characters_whatever_counted_them() {
    let import = |start: u32, end: u32, quoted: &str| {
        let region = format!(r#"{{"type":"labels","value":{{"start":{start},"end":{end},"text":"{quoted}","labels":["dog"]}}}}"#);
        let text = "\u{1f600} Gr\u{f6}\u{df}e: Anna Lee";
        let list = format!(r#"[{{"data":{{"text":"{text}"}},"annotations":[{{"result":[{region}]}}]}}]"#);
        let folder = Folder::new().with("items.json", list);
        let classes = ["cat".to_owned(), "dog".to_owned()];
        let source = Source {
            folder: folder.path(),
            list: None,
            apart: &[],
            item_kind: ItemKind::Text,
            job_kind: JobKind::Span,
            classes: &classes,
            item_bytes: 1_000,
        };
        import::import(&source, &mut |_| {}).map(|found| found.items[0].answer.clone().unwrap())
    };
    let expected = Answer::Spans(vec![Span { class: 1, start: 9, end: 17 }]);
    assert_eq!(*import(9, 17, "Anna Lee").unwrap(), expected);
    assert_eq!(*import(10, 18, "Anna Lee").unwrap(), expected, "UTF-16, as older versions count");
    let refused = import(11, 19, "Anna Lee").unwrap_err().to_string();
    assert!(refused.contains("the region quotes \"Anna Lee\""), "{refused}");
}
