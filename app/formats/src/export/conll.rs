//! CoNLL-2003: a token a line with its tag, passages as `B-` and `I-`.
use super::{
    Done, Exporter, Out,
    places::{Folder, TextFile},
    row::Row,
};
use crate::{
    error::{Error, Result},
    model::{Answer, Item, Job, Span},
};

pub(super) struct Conll {
    job: Job,
    folder: Folder,
    rows: TextFile,
    tokens: TextFile,
    tags: Vec<String>,
    lost: u64,
    unlabelled: u64,
}

impl Conll {
    pub(super) fn open(job: &Job, out: Out) -> Result<Self> {
        let folder = Folder::open(out)?;
        let (rows, tokens) = (folder.create("items.jsonl")?, folder.create("data.conll")?);
        let tags = tags(&job.classes);
        let named: serde_json::Map<_, _> = tags.iter().zip(&job.classes).map(|(tag, class)| (tag.clone(), class.clone().into())).collect();
        folder.write("classes.json", &format!("{}\n", serde_json::Value::Object(named)))?;
        Ok(Self { job: job.clone(), folder, rows, tokens, tags, lost: 0, unlabelled: 0 })
    }
}

/// A tag a class: blanks, which separate columns, become `_`; equal ones get their number.
fn tags(classes: &[String]) -> Vec<String> {
    let mut tags: Vec<String> = Vec::with_capacity(classes.len());
    for (n, class) in classes.iter().enumerate() {
        let mut tag: String = class.chars().map(|c| if c.is_whitespace() || c.is_control() { '_' } else { c }).collect();
        while tag.is_empty() || tags.contains(&tag) {
            tag.push_str(&format!("_{n}"));
        }
        tags.push(tag);
    }
    tags
}

impl Exporter for Conll {
    fn item(&mut self, item: &Item) -> Result<()> {
        let row = serde_json::to_string(&Row::of(&self.job, item)).map_err(|e| Error::Refused(e.to_string()))?;
        self.rows.write(&row)?;
        self.rows.write("\n")?;
        let Some(Answer::Spans(spans)) = &item.answer else {
            self.unlabelled = self.unlabelled.saturating_add(1);
            return Ok(());
        };
        let Some(text) = &item.text else {
            return Err(Error::lacks("CoNLL holds the texts themselves"));
        };
        let (lines, lost) = document(text, spans, &self.tags);
        self.lost = self.lost.saturating_add(lost);
        self.tokens.write(&lines)
    }
    fn finish(self: Box<Self>) -> Result<Done> {
        let Self { folder, rows, tokens, lost, unlabelled, .. } = *self;
        rows.finish()?;
        tokens.finish()?;
        let mut notes = Vec::new();
        if lost > 0 {
            notes.push(format!("{lost} passages overlap others or hold no token: they are in items.jsonl only"));
        }
        if unlabelled > 0 {
            notes.push(format!("{unlabelled} items have no label: they are in items.jsonl only"));
        }
        Ok(Done { written: vec![folder.finish()?], notes })
    }
}

/// A token: where it begins, and its characters.
struct Token {
    at: u32,
    text: String,
}

/// The lines of a text, and how many passages found no place: those within or across an earlier one, and those of blanks alone.
fn document(text: &str, spans: &[Span], tags: &[String]) -> (String, u64) {
    let mut sorted: Vec<&Span> = spans.iter().collect();
    sorted.sort_by_key(|s| (s.start, std::cmp::Reverse(s.end)));
    let mut kept: Vec<&Span> = Vec::new();
    for span in sorted {
        if kept.last().is_none_or(|before| before.end <= span.start) {
            kept.push(span);
        }
    }
    let mut out = String::from("-DOCSTART- -X- -X- O\n\n");
    let (mut current, mut used) = (kept.iter().peekable(), 0_u64);
    let mut inside: Option<u32> = None;
    for line in sentences(text, &kept) {
        for token in &line {
            while current.next_if(|s| s.end <= token.at).is_some() {}
            let tag = match current.peek().filter(|s| s.start <= token.at) {
                None => "O".to_owned(),
                Some(span) => {
                    let begins = inside != Some(span.start);
                    inside = Some(span.start);
                    used = used.saturating_add(u64::from(begins));
                    let tag = tags.get(usize::from(span.class)).map_or("", String::as_str);
                    format!("{}-{tag}", if begins { "B" } else { "I" })
                }
            };
            out.push_str(&format!("{} -X- -X- {tag}\n", token.text));
        }
        out.push('\n');
    }
    let all = u64::try_from(spans.len()).unwrap_or(u64::MAX);
    (out, all.saturating_sub(used))
}

/// Tokens by lines of the text: runs of letters and digits, other signs alone; a passage's edge is a token's edge too.
fn sentences(text: &str, spans: &[&Span]) -> Vec<Vec<Token>> {
    let edges: std::collections::HashSet<u32> = spans.iter().flat_map(|s| [s.start, s.end]).collect();
    let (mut lines, mut line): (Vec<Vec<Token>>, Vec<Token>) = (Vec::new(), Vec::new());
    let mut open = false;
    for (at, sign) in (0_u32..).zip(text.chars()) {
        if sign.is_whitespace() || sign.is_control() {
            open = false;
            if sign == '\n' && !line.is_empty() {
                lines.push(std::mem::take(&mut line));
            }
            continue;
        }
        let wordly = sign.is_alphanumeric() || sign == '_';
        match line.last_mut().filter(|_| open && wordly && !edges.contains(&at)) {
            Some(token) => token.text.push(sign),
            None => line.push(Token { at, text: sign.to_string() }),
        }
        open = wordly;
    }
    if !line.is_empty() {
        lines.push(line);
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_end_where_passages_do() {
        let span = |class, start, end| Span { class, start, end };
        let tags = tags(&["PER".into(), "big org".into(), "big_org".into()]);
        assert_eq!(tags, ["PER", "big_org", "big_org_2"]);
        let (text, lost) = document("Ann Lee, it's\nAcmeCo.", &[span(0, 0, 7), span(1, 14, 18), span(1, 3, 9), span(0, 13, 14)], &tags);
        let expected = "-DOCSTART- -X- -X- O\n\nAnn -X- -X- B-PER\nLee -X- -X- I-PER\n\
                        , -X- -X- O\nit -X- -X- O\n' -X- -X- O\ns -X- -X- O\n\n\
                        Acme -X- -X- B-big_org\nCo -X- -X- O\n. -X- -X- O\n\n";
        assert_eq!((text.as_str(), lost), (expected, 2));
    }
}
