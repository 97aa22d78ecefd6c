//! `text`: for a person at a terminal. What fails comes first, then what could not be told.

use std::borrow::Cow;
use std::fmt::Write as _;

use anstyle::{AnsiColor, Style};
use kensa_core::{CheckResult, Conclusion, ScanReport, Severity, Status, Timings};

use textwrap::WordSeparator;
use textwrap::core::Word;

use super::order::worst_first;
use super::{Format, RenderError, RenderOptions};

pub(super) const FORMAT: Format = Format {
    name: "text",
    summary: "For people: findings first, worst first, then what could not be told",
    media_type: "text/plain; charset=utf-8",
    extension: "txt",
    render,
    stream: None,
};

/// `text` with everything a terminal would act on made visible: control characters and changes of the
/// writing direction become escapes like `\u{1b}`. Line feeds and tabs stay.
///
/// What a host or a rule file says goes through here before it reaches a terminal.
pub fn printable(text: &str) -> Cow<'_, str> {
    let acts = |c: char| {
        (c.is_control() && !matches!(c, '\n' | '\t'))
            || matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    if !text.contains(acts) {
        return Cow::Borrowed(text);
    }
    let escaped = |c: char| if acts(c) { c.escape_default().to_string() } else { c.to_string() };
    Cow::Owned(text.replace("\r\n", "\n").chars().map(escaped).collect())
}

/// Rules shown in a table of the dearest ones.
const DEAREST: usize = 15;
/// Lines of one value shown before the rest is only counted.
const LINES_SHOWN: usize = 10;
/// Longer lines are hard to read.
const WIDEST: usize = 100;
const NARROWEST: usize = 48;
/// Where the text beside the severity begins.
const COLUMN: usize = 12;

fn render(report: &ScanReport, options: &RenderOptions<'_>) -> Result<String, RenderError> {
    let mut page = Page::new(options);
    page.heading(report);
    page.section("FAILED", &worst_first(report, Status::Fail));
    page.section("COULD NOT TELL", &worst_first(report, Status::Error));
    if options.verbose {
        page.section("SKIPPED", &worst_first(report, Status::Skipped));
        page.section("PASSED", &worst_first(report, Status::Pass));
    }
    if let Some(timings) = &report.timings {
        page.timings(timings);
    }
    page.totals(report);
    page.conclusion(report);
    Ok(page.text)
}

struct Page {
    text: String,
    width: usize,
    color: bool,
    verbose: bool,
}

impl Page {
    fn new(options: &RenderOptions<'_>) -> Self {
        let width = options.width.unwrap_or(WIDEST).clamp(NARROWEST, WIDEST);
        Self { text: String::new(), width, color: options.color, verbose: options.verbose }
    }

    fn heading(&mut self, report: &ScanReport) {
        let host = self.paint(BOLD, &printable(&report.host));
        let system = report.platform.as_ref().map_or("unknown system", |platform| &platform.pretty_name);
        let seconds = report.completed_at.since(report.started_at).as_secs_f64();
        self.line(&host);
        self.line(&printable(system));
        self.line(&format!("scanned {} in {seconds:.1} s", report.started_at));
    }

    fn section(&mut self, name: &str, results: &[&CheckResult]) {
        if results.is_empty() {
            return;
        }
        let name = self.paint(BOLD, name);
        self.line(&format!("\n{name} ({})", results.len()));
        for result in results {
            self.line("");
            self.result(result);
        }
    }

    fn result(&mut self, result: &CheckResult) {
        let severity = self.paint(severity_style(result.severity), result.severity.name());
        let gap = " ".repeat(COLUMN - 2 - result.severity.name().len());
        let id = self.paint(BOLD, &printable(&result.rule_id));
        self.line(&format!("  {severity}{gap}{id}"));
        self.wrapped(&result.title);
        match result.reason {
            Some(reason) => self.wrapped(&format!("{reason}: {}", result.detail)),
            None => self.wrapped(&result.detail),
        }
        if result.status == Status::Fail {
            self.values(result);
        }
        if self.verbose {
            self.commands(result);
        }
    }

    fn values(&mut self, result: &CheckResult) {
        if let Some(expected) = result.expected_value.as_deref().filter(|value| !value.is_empty()) {
            self.labelled("expected", expected);
        }
        if let Some(actual) = result.actual_value.as_deref() {
            self.labelled("found", if actual.is_empty() { "(nothing)" } else { actual });
        }
        if let Some(source) = &result.source {
            self.labelled("where", &source.to_string());
        }
    }

    fn commands(&mut self, result: &CheckResult) {
        for evidence in &result.evidence {
            self.verbatim("ran", &evidence.command);
            if result.status == Status::Error {
                self.labelled("exit", &evidence.exit_code.to_string());
                if !evidence.stderr.trim().is_empty() {
                    self.labelled("said", evidence.stderr.trim_end());
                }
            }
        }
    }

    fn timings(&mut self, timings: &Timings) {
        let heading = self.paint(BOLD, "TIME");
        self.line(&format!("\n{heading}\n"));
        let wall = timings.wall_us.max(1) as f64;
        let row =
            |time: u64| format!("  {:>9.1} ms {:>4.0} %", time as f64 / 1000.0, 100.0 * time as f64 / wall);
        for (name, time) in timings.overhead.parts().into_iter().filter(|(_, time)| *time > 0) {
            self.line(&format!("{}  {name}", row(time)));
        }
        self.line(&format!("{}  {}", row(timings.rules_us()), count(timings.rules.len())));
        self.line(&format!("{}  in all", row(timings.wall_us)));
        let dearest = timings.dearest();
        let limit = if self.verbose { usize::MAX } else { DEAREST };
        let heading = self.paint(BOLD, "DEAREST RULES");
        self.line(&format!("\n{heading} ({} of {})\n", dearest.len().min(limit), dearest.len()));
        for rule in dearest.into_iter().take(limit) {
            let id = printable(&rule.rule_id).into_owned();
            self.line(&format!("{} {:>9}  {id}", row(rule.time_us), bytes(rule.bytes)));
        }
    }

    fn totals(&mut self, report: &ScanReport) {
        let heading = self.paint(BOLD, "SUMMARY");
        self.line(&format!("\n{heading}\n"));
        self.line(&format!("{:COLUMN$}{:>8}{:>8}{:>10}{:>9}", "", "pass", "fail", "not told", "skipped"));
        let row = |name: &str, pass, fail, error, skipped| {
            format!("  {name:<width$}{pass:>8}{fail:>8}{error:>10}{skipped:>9}", width = COLUMN - 2)
        };
        let summary = &report.summary;
        for severity in Severity::ALL {
            if let Some(counts) = summary.by_severity.get(&severity) {
                let line = row(severity.name(), counts.pass, counts.fail, counts.error, counts.skipped);
                self.line(&line);
            }
        }
        self.line(&row("total", summary.pass, summary.fail, summary.error, summary.skipped));
    }

    fn conclusion(&mut self, report: &ScanReport) {
        let summary = &report.summary;
        let told = summary.pass + summary.fail;
        let (color, word, mut said) = match report.conclusion() {
            Conclusion::Compliant => (AnsiColor::Green, "COMPLIANT", every(told)),
            Conclusion::Findings => (AnsiColor::Red, "NOT COMPLIANT", findings(summary.fail, told)),
            Conclusion::Incomplete if told + summary.error == 0 => {
                (AnsiColor::Yellow, "INCOMPLETE", "no rule was measured".to_owned())
            }
            Conclusion::Incomplete if summary.fail > 0 => {
                let said = format!("the scan was cut short; {}", findings(summary.fail, told));
                (AnsiColor::Yellow, "INCOMPLETE", said)
            }
            Conclusion::Incomplete => {
                (AnsiColor::Yellow, "INCOMPLETE", "no rule is known to fail".to_owned())
            }
        };
        if summary.error > 0 {
            let _ = write!(said, "; {} could not be told", count(summary.error));
        }
        let completeness = report.completeness;
        if completeness.unanswered > 0 {
            let _ = write!(
                said,
                "; {} of {} questions had no answer",
                completeness.unanswered, completeness.planned
            );
        }
        for remark in &report.remarks {
            let text = textwrap::fill(&format!("Note: {}", printable(remark)), self.width);
            self.line(&format!("\n{text}"));
        }
        let text = textwrap::fill(&format!("{word}: {said}"), self.width);
        let painted = self.paint(BOLD.fg_color(Some(color.into())), word);
        self.line(&format!("\n{}", text.replacen(word, &painted, 1)));
    }

    fn wrapped(&mut self, text: &str) {
        let indent = " ".repeat(COLUMN);
        self.fill(text, &indent, &indent, usize::MAX);
    }

    fn labelled(&mut self, label: &str, text: &str) {
        let first = format!("{:COLUMN$}{label:<10}", "");
        let limit = if self.verbose { usize::MAX } else { LINES_SHOWN };
        self.fill(text, &first, &" ".repeat(COLUMN + 10), limit);
    }

    /// Like `labelled`, never wrapped or cut: a command has to survive being copied.
    fn verbatim(&mut self, label: &str, text: &str) {
        let mut label = label;
        for line in printable(text).lines() {
            self.line(&format!("{:COLUMN$}{label:<10}{line}", ""));
            label = "";
        }
    }

    fn fill(&mut self, text: &str, first: &str, rest: &str, limit: usize) {
        // The width of a tab depends on where it stands.
        let text = printable(text).replace('\t', "    ");
        let mut indent = first;
        let mut lines = Vec::new();
        for paragraph in text.trim_end().lines() {
            // A broken path or rule id cannot be copied, so lines break at blanks only, and in long lists.
            let options = textwrap::Options::new(self.width)
                .initial_indent(indent)
                .subsequent_indent(rest)
                .break_words(false)
                .word_separator(WordSeparator::Custom(words))
                .word_splitter(textwrap::WordSplitter::NoHyphenation);
            lines.extend(textwrap::wrap(paragraph, options).into_iter().map(Cow::into_owned));
            indent = rest;
        }
        // One line more costs as much as saying that there is one.
        let hidden = lines.len().saturating_sub(limit);
        if hidden > 1 {
            lines.truncate(limit);
            lines.push(format!("{rest}… and {hidden} more lines"));
        }
        for line in lines {
            self.line(&line);
        }
    }

    fn line(&mut self, line: &str) {
        self.text.push_str(line.trim_end_matches(' '));
        self.text.push('\n');
    }

    fn paint(&self, style: Style, text: &str) -> String {
        if self.color { format!("{style}{text}{style:#}") } else { text.to_owned() }
    }
}

/// Words are what stands between blanks; a list too long for one line may also break after its commas.
fn words(line: &str) -> Box<dyn Iterator<Item = Word<'_>> + '_> {
    const LONG: usize = 50;
    Box::new(WordSeparator::AsciiSpace.find_words(line).flat_map(|word| {
        let list = word.word.len() > LONG;
        let mut pieces: Vec<Word<'_>> =
            word.word.split_inclusive(move |c| list && c == ',').map(Word::from).collect();
        if let Some(last) = pieces.last_mut() {
            last.whitespace = word.whitespace;
        }
        pieces
    }))
}

const BOLD: Style = Style::new().bold();

fn severity_style(severity: Severity) -> Style {
    match severity {
        Severity::Critical => BOLD.fg_color(Some(AnsiColor::Red.into())),
        Severity::High => Style::new().fg_color(Some(AnsiColor::Red.into())),
        Severity::Medium => Style::new().fg_color(Some(AnsiColor::Yellow.into())),
        Severity::Low => Style::new().fg_color(Some(AnsiColor::Cyan.into())),
    }
}

fn bytes(count: u64) -> String {
    match count {
        0..10_000 => format!("{count} B"),
        10_000..10_000_000 => format!("{} KB", count / 1000),
        _ => format!("{} MB", count / 1_000_000),
    }
}

fn count(rules: usize) -> String {
    format!("{rules} {}", if rules == 1 { "rule" } else { "rules" })
}

fn findings(fail: usize, told: usize) -> String {
    format!("{fail} of {} {}", count(told), if fail == 1 { "fails" } else { "fail" })
}

fn every(rules: usize) -> String {
    if rules == 1 {
        "the one rule that applies passes".to_owned()
    } else {
        format!("all {rules} rules that apply pass")
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{compliant, empty, incomplete, profiled, report};
    use super::*;

    fn text(report: &ScanReport, options: RenderOptions<'_>) -> String {
        render(report, &options).unwrap()
    }

    #[test]
    fn shows_findings_first_and_skipped_rules_only_as_a_count() {
        insta::assert_snapshot!("text", text(&report(), RenderOptions::default()));
    }

    #[test]
    fn wraps_to_a_narrow_terminal() {
        insta::assert_snapshot!(
            "narrow",
            text(&report(), RenderOptions { width: Some(50), ..RenderOptions::default() })
        );
    }

    #[test]
    fn verbose_shows_every_rule_and_what_was_run() {
        insta::assert_snapshot!(
            "verbose",
            text(&report(), RenderOptions { verbose: true, ..RenderOptions::default() })
        );
    }

    #[test]
    fn a_profile_shows_the_dearest_rules_first() {
        let page = text(&profiled(), RenderOptions::default());
        let (_, shown) = page.split_once("\nTIME\n\n").unwrap();
        let (shown, _) = shown.split_once("\nSUMMARY").unwrap();
        insta::assert_snapshot!("profile", shown);
        assert!(!text(&report(), RenderOptions::default()).contains("DEAREST"));
    }

    #[test]
    fn says_what_the_scan_comes_to() {
        let last = |report: &ScanReport| {
            let page = text(report, RenderOptions::default());
            page.rsplit_once("\n\n").unwrap().1.trim_end().replace('\n', " ")
        };
        assert_eq!(last(&compliant()), "COMPLIANT: all 2 rules that apply pass");
        assert_eq!(
            last(&report()),
            "INCOMPLETE: the scan was cut short; 3 of 5 rules fail; 2 rules could not be told; \
             1 of 12 questions had no answer"
        );
        let mut whole = report();
        whole.results[5].reason = Some(kensa_core::Reason::PermissionDenied);
        assert_eq!(
            last(&whole),
            "NOT COMPLIANT: 3 of 5 rules fail; 2 rules could not be told; 1 of 12 questions had no answer"
        );
        assert_eq!(
            last(&incomplete()),
            "INCOMPLETE: no rule is known to fail; 2 rules could not be told; 1 of 5 questions had no answer"
        );
        assert_eq!(last(&empty()), "INCOMPLETE: no rule was measured");
    }

    #[test]
    fn colour_adds_escapes_and_changes_nothing_else() {
        let plain = text(&report(), RenderOptions::default());
        let colored = text(&report(), RenderOptions { color: true, ..RenderOptions::default() });
        assert!(!plain.contains('\u{1b}') && colored.contains('\u{1b}'));
        let escapes = regex::Regex::new("\u{1b}\\[[0-9;]*m").unwrap();
        assert_eq!(escapes.replace_all(&colored, ""), plain);
    }

    #[test]
    fn no_line_but_a_long_word_is_wider_than_the_terminal() {
        for width in [48, 61, 80, 100] {
            let page = text(&report(), RenderOptions { width: Some(width), ..RenderOptions::default() });
            let wide = |line: &&str| {
                textwrap::core::display_width(line) > width && line.split_whitespace().count() > 2
            };
            assert_eq!(page.lines().find(wide), None, "at {width}");
        }
    }

    #[test]
    fn a_list_without_blanks_breaks_after_its_commas_and_a_path_does_not_break() {
        let mut report = report();
        let list = ["aes256-gcm@openssh.com"; 9].join(",");
        let path = format!("/very/{}/long", "long".repeat(30));
        report.results[1].actual_value = Some(format!("{list} {path}"));
        let page = text(&report, RenderOptions { width: Some(80), ..RenderOptions::default() });
        assert!(page.lines().all(|line| line.len() <= 80 || line.trim() == path), "{page}");
        assert!(page.contains("com,aes256-gcm@openssh.com,\n"));
    }

    #[test]
    fn what_a_terminal_would_act_on_becomes_visible() {
        assert_eq!(printable("plain ünï\ncode"), "plain ünï\ncode");
        assert_eq!(printable("\u{1b}[2J\u{9b}\u{202e}a\tb\r"), "\\u{1b}[2J\\u{9b}\\u{202e}a\tb\\r");
        assert_eq!(printable("dos\r\nline"), "dos\r\nline".replace("\r\n", "\n"));
    }
}
