//! Takes a shell script apart into the simple commands that it may run, without running anything.
//!
//! Words are kept in parts: text that is known, and what only a run would tell (variables, the output of commands). Bodies of
//! here-documents are kept, because sites write attributes files so. What is not understood becomes an unknown part: nothing
//! of a script is ever an error.

/// How deep commands may stand within commands.
const MAX_DEPTH: usize = 32;

/// A part of a word.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Part {
    /// Text.
    Text(String),
    /// The value of a variable, with what the script writes for the case that it has none. Whether it stands without quotes,
    /// so that it may be several words or none.
    Variable {
        /// Its name.
        name: String,
        /// The text after `:-`.
        otherwise: Option<String>,
        /// Whether it is outside quotes.
        bare: bool,
    },
    /// Something else that only a run tells.
    Unknown {
        /// Whether it is outside quotes.
        bare: bool,
    },
}

/// A word.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Word(pub Vec<Part>);

impl Word {
    /// Returns its text, if all of it is known.
    pub fn literal(&self) -> Option<String> {
        let mut text = String::new();
        for part in &self.0 {
            match part {
                Part::Text(more) => text.push_str(more),
                _ => return None,
            }
        }
        Some(text)
    }

    /// Returns it as it may be shown.
    pub fn shown(&self) -> String {
        self.0
            .iter()
            .map(|part| match part {
                Part::Text(text) => text.clone(),
                Part::Variable { name, .. } => format!("${name}"),
                Part::Unknown { .. } => "$(...)".to_owned(),
            })
            .collect()
    }

    /// Returns it as a script of its own: what only a run tells is a variable there.
    pub fn as_script(&self) -> String {
        self.0
            .iter()
            .map(|part| match part {
                Part::Text(text) => text.clone(),
                Part::Variable { name, .. } if name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') => {
                    format!("${{{name}}}")
                }
                Part::Variable { .. } | Part::Unknown { .. } => "${_}".to_owned(),
            })
            .collect()
    }

    fn push(&mut self, c: char) {
        match self.0.last_mut() {
            Some(Part::Text(text)) => text.push(c),
            _ => self.0.push(Part::Text(c.to_string())),
        }
    }
}

/// A command with its words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Simple {
    /// The line where it begins, from 1.
    pub line: usize,
    /// Variables that are set before its words.
    pub assignments: Vec<(String, Word)>,
    /// Its words.
    pub words: Vec<Word>,
}

/// The body of a here-document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Here {
    /// The line where it begins.
    pub line: usize,
    /// Its text.
    pub text: String,
}

/// What a script is made of.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Script {
    /// Its commands.
    pub commands: Vec<Simple>,
    /// Its here-documents.
    pub heres: Vec<Here>,
}

/// Words after which a command begins.
const RESERVED: [&str; 14] =
    ["if", "then", "else", "elif", "fi", "while", "until", "do", "done", "esac", "!", "{", "}", "time"];

/// Reads a script.
pub fn parse(text: &str) -> Script {
    let chars: Vec<char> = text.chars().collect();
    let mut reader = Reader { chars: &chars, at: 0, line: 1, depth: 0, script: Script::default(), waiting: Vec::new() };
    reader.commands(None);
    let mut script = reader.script;
    script.commands.sort_by_key(|command| command.line);
    script
}

/// A here-document whose body has not come yet.
struct Waiting {
    end: String,
    tabs: bool,
}

struct Reader<'a> {
    chars: &'a [char],
    at: usize,
    line: usize,
    depth: usize,
    script: Script,
    waiting: Vec<Waiting>,
}

impl Reader<'_> {
    fn peek(&self) -> Option<char> {
        self.chars.get(self.at).copied()
    }

    fn ahead(&self, n: usize) -> Option<char> {
        self.chars.get(self.at + n).copied()
    }

    fn next(&mut self) -> Option<char> {
        let c = self.peek()?;
        self.at += 1;
        if c == '\n' {
            self.line += 1;
        }
        Some(c)
    }

    /// Reads commands up to `end`, which is taken, or to the end of the text.
    fn commands(&mut self, end: Option<char>) {
        self.depth += 1;
        let mut current: Option<Simple> = None;
        // Parentheses that are open, and `case` commands, whose patterns end with one that nothing opened.
        let (mut open, mut cases) = (0_usize, 0_usize);
        while let Some(c) = self.peek() {
            match c {
                '\n' => {
                    self.finish(&mut current);
                    self.next();
                    self.bodies();
                }
                ';' | '&' | '|' => {
                    self.next();
                    // `>&2` and `2>&1` are part of a redirection, which is read whole below.
                    self.finish(&mut current);
                }
                '(' => {
                    self.next();
                    open += 1;
                    self.finish(&mut current);
                }
                ')' => {
                    self.next();
                    self.finish(&mut current);
                    if open > 0 {
                        open -= 1;
                    } else if cases == 0 && end == Some(')') {
                        self.depth -= 1;
                        return;
                    }
                }
                '#' => {
                    // Only where a word could begin: inside one it is text, and read with it.
                    while self.peek().is_some_and(|c| c != '\n') {
                        self.next();
                    }
                }
                '<' | '>' => self.redirection(),
                ' ' | '\t' | '\r' => {
                    self.next();
                }
                '\\' if self.ahead(1) == Some('\n') => {
                    self.next();
                    self.next();
                }
                _ => {
                    let line = self.line;
                    let before = self.at;
                    let word = self.word();
                    if self.at == before {
                        // Nothing that begins a word: it cannot happen for long.
                        self.next();
                        continue;
                    }
                    if !word.0.is_empty() {
                        self.take(word, line, &mut current, &mut cases);
                    }
                }
            }
        }
        self.finish(&mut current);
        self.depth -= 1;
    }

    fn finish(&mut self, current: &mut Option<Simple>) {
        if let Some(command) = current.take()
            && !(command.words.is_empty() && command.assignments.is_empty())
        {
            self.script.commands.push(command);
        }
    }

    fn take(&mut self, word: Word, line: usize, current: &mut Option<Simple>, cases: &mut usize) {
        let command = current.get_or_insert_with(|| Simple { line, assignments: Vec::new(), words: Vec::new() });
        if command.words.is_empty() {
            if let Some(text) = word.literal() {
                if RESERVED.contains(&text.as_str()) {
                    if text == "esac" {
                        *cases = cases.saturating_sub(1);
                    }
                    return;
                }
                if text == "case" {
                    *cases += 1;
                }
            }
            if let Some((name, value)) = assignment(&word) {
                command.assignments.push((name, value));
                return;
            }
            command.line = line;
        }
        // `case X in`, `for X in`: what follows `in` is no word of theirs.
        command.words.push(word);
    }

    /// Reads the bodies of the here-documents that the line before named.
    fn bodies(&mut self) {
        for one in std::mem::take(&mut self.waiting) {
            let (line, mut text) = (self.line, String::new());
            while self.at < self.chars.len() {
                let mut this = String::new();
                while let Some(c) = self.next() {
                    if c == '\n' {
                        break;
                    }
                    this.push(c);
                }
                let shown = if one.tabs { this.trim_start_matches('\t') } else { &this };
                if shown == one.end {
                    break;
                }
                text.push_str(shown);
                text.push('\n');
            }
            self.script.heres.push(Here { line, text });
        }
    }

    /// Reads `<`, `>` and what they point at; of a here-document its end.
    fn redirection(&mut self) {
        let first = self.next();
        // `<<END` begins a here-document; `<<<` is followed by a text itself.
        let is_here = first == Some('<') && self.peek() == Some('<');
        let here = is_here && self.ahead(1) != Some('<');
        let mut tabs = false;
        while let Some(c) = self.peek() {
            match c {
                '<' | '>' | '|' => {
                    self.next();
                }
                '&' => {
                    self.next();
                }
                '-' if here => {
                    tabs = true;
                    self.next();
                }
                _ => break,
            }
        }
        while matches!(self.peek(), Some(' ' | '\t')) {
            self.next();
        }
        if self.peek() == Some('(') {
            // `<(command)` of bash: the commands in it are read as those of a group are.
            return;
        }
        let target = self.word();
        if here {
            self.waiting.push(Waiting { end: target.literal().unwrap_or_default(), tabs });
        }
    }

    /// Reads a word.
    fn word(&mut self) -> Word {
        let mut word = Word::default();
        while let Some(c) = self.peek() {
            match c {
                ' ' | '\t' | '\n' | '\r' | ';' | '&' | '|' | '(' | ')' => break,
                '<' | '>' => {
                    // `2>`: the number belongs to the redirection.
                    let number = word.literal().is_some_and(|text| text.chars().all(|c| c.is_ascii_digit()));
                    if number {
                        word = Word::default();
                        self.redirection();
                        while matches!(self.peek(), Some(' ' | '\t')) {
                            self.next();
                        }
                        continue;
                    }
                    break;
                }
                '\'' => {
                    self.next();
                    word.0.push(Part::Text(String::new()));
                    while let Some(c) = self.next() {
                        if c == '\'' {
                            break;
                        }
                        word.push(c);
                    }
                }
                '"' => {
                    self.next();
                    self.quoted(&mut word);
                }
                '\\' => {
                    self.next();
                    if let Some(c) = self.next()
                        && c != '\n'
                    {
                        word.push(c);
                    }
                }
                '$' => self.dollar(&mut word, true),
                '`' => self.backtick(&mut word, true),
                _ => {
                    self.next();
                    word.push(c);
                }
            }
        }
        merge(word)
    }

    /// Reads what stands between double quotes, the closing one too.
    fn quoted(&mut self, word: &mut Word) {
        word.0.push(Part::Text(String::new()));
        while let Some(c) = self.peek() {
            match c {
                '"' => {
                    self.next();
                    return;
                }
                '\\' => {
                    self.next();
                    match self.next() {
                        Some('\n') | None => {}
                        Some(c @ ('"' | '\\' | '$' | '`')) => word.push(c),
                        Some(c) => {
                            word.push('\\');
                            word.push(c);
                        }
                    }
                }
                '$' => self.dollar(word, false),
                '`' => self.backtick(word, false),
                _ => {
                    self.next();
                    word.push(c);
                }
            }
        }
    }

    /// Reads what begins with a dollar sign.
    fn dollar(&mut self, word: &mut Word, bare: bool) {
        self.next();
        match self.peek() {
            Some('(') if self.ahead(1) == Some('(') => {
                self.next();
                self.next();
                let mut open = 2;
                while open > 0
                    && let Some(c) = self.next()
                {
                    match c {
                        '(' => open += 1,
                        ')' => open -= 1,
                        _ => {}
                    }
                }
                word.0.push(Part::Unknown { bare });
            }
            Some('(') => {
                self.next();
                if self.depth < MAX_DEPTH {
                    self.commands(Some(')'));
                }
                word.0.push(Part::Unknown { bare });
            }
            Some('{') => {
                self.next();
                let (mut text, mut open) = (String::new(), 1);
                while let Some(c) = self.next() {
                    match c {
                        '{' => open += 1,
                        '}' => open -= 1,
                        _ => {}
                    }
                    if open == 0 {
                        break;
                    }
                    text.push(c);
                }
                let name: String = text.chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '_').collect();
                let rest = &text[name.len()..];
                let otherwise = rest.strip_prefix(":-").or_else(|| rest.strip_prefix('-'));
                let plain = otherwise.filter(|text| !text.contains(['$', '`', '"', '\'']));
                // `${X%…}` has another value than X.
                word.0.push(match rest.is_empty() || otherwise.is_some() {
                    true => Part::Variable { name, otherwise: plain.map(str::to_owned), bare },
                    false => Part::Unknown { bare },
                });
            }
            Some(c) if c.is_ascii_alphabetic() || c == '_' => {
                let mut name = String::new();
                while let Some(c) = self.peek().filter(|c| c.is_ascii_alphanumeric() || *c == '_') {
                    name.push(c);
                    self.next();
                }
                word.0.push(Part::Variable { name, otherwise: None, bare });
            }
            Some(c) if c.is_ascii_digit() || "@*#?$!-".contains(c) => {
                self.next();
                // `"$@"` may be several words, quotes or not.
                let bare = bare || c == '@';
                word.0.push(Part::Variable { name: c.to_string(), otherwise: None, bare });
            }
            _ => word.push('$'),
        }
    }

    /// Reads a command between backticks.
    fn backtick(&mut self, word: &mut Word, bare: bool) {
        self.next();
        let line = self.line;
        let mut text = String::new();
        while let Some(c) = self.next() {
            match c {
                '`' => break,
                '\\' if matches!(self.peek(), Some('`' | '$' | '\\')) => text.extend(self.next()),
                _ => text.push(c),
            }
        }
        if self.depth < MAX_DEPTH {
            let chars: Vec<char> = text.chars().collect();
            let mut inner = Reader {
                chars: &chars,
                at: 0,
                line,
                depth: self.depth + 1,
                script: Script::default(),
                waiting: Vec::new(),
            };
            inner.commands(None);
            self.script.commands.extend(inner.script.commands);
            self.script.heres.extend(inner.script.heres);
        }
        word.0.push(Part::Unknown { bare });
    }
}

/// Joins neighbouring texts. An empty quoted text stays, so that `''` is a word.
fn merge(word: Word) -> Word {
    let mut parts: Vec<Part> = Vec::new();
    for part in word.0 {
        match (parts.last_mut(), part) {
            (Some(Part::Text(before)), Part::Text(more)) => before.push_str(&more),
            (Some(_), Part::Text(text)) if text.is_empty() => {}
            (_, part) => parts.push(part),
        }
    }
    if parts.len() > 1 {
        parts.retain(|part| !matches!(part, Part::Text(text) if text.is_empty()));
    }
    Word(parts)
}

/// Takes `NAME=value` apart.
fn assignment(word: &Word) -> Option<(String, Word)> {
    let Some(Part::Text(first)) = word.0.first() else { return None };
    let (name, rest) = first.split_once('=')?;
    let is_name = name.chars().next().is_some_and(|c| c.is_ascii_alphabetic() || c == '_')
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    if !is_name {
        return None;
    }
    let mut parts = vec![Part::Text(rest.to_owned())];
    parts.extend(word.0.iter().skip(1).cloned());
    Some((name.to_owned(), Word(parts)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> Vec<String> {
        let show = |command: &Simple| {
            let words: Vec<String> = command.words.iter().map(|word| format!("[{}]", word.shown())).collect();
            format!("{} {}", command.line, words.join(""))
        };
        parse(text).commands.iter().filter(|command| !command.words.is_empty()).map(show).collect()
    }

    #[test]
    fn commands_are_found_wherever_they_stand() {
        assert_eq!(shown("pdls -U 'a b' \"c $D e\""), ["1 [pdls][-U][a b][c $D e]"]);
        assert_eq!(shown("if pdrm x 2>&1 >/dev/null; then echo y; fi"), ["1 [pdrm][x]", "1 [echo][y]"]);
        assert_eq!(
            shown("A=$(pdpr -d x \\\n  -n 2 f | sed p)\necho"),
            ["1 [pdpr][-d][x][-n][2][f]", "2 [sed][p]", "3 [echo]"]
        );
        assert_eq!(shown("A=`pdls 1`"), ["1 [pdls][1]"]);
        assert_eq!(shown("f() { pdq -d \"$1\"; }"), ["1 [f]", "1 [pdq][-d][$1]"]);
        assert_eq!(shown("X=$(case $A in a|b) pdls 1 ;; esac)\npdrm 2").last().unwrap(), "2 [pdrm][2]");
        assert_eq!(shown("# pdls 1\npdls 2 # three"), ["2 [pdls][2]"]);
        assert_eq!(shown("N=$((N + 1)); pdls $N"), ["1 [pdls][$N]"]);
    }

    #[test]
    fn here_documents_are_kept_apart() {
        let script = parse("cat >x <<'E'\npdls 1\na = b\nE\npdrm 3\n");
        assert_eq!(script.heres, [Here { line: 2, text: "pdls 1\na = b\n".to_owned() }]);
        assert_eq!(script.commands.last().unwrap().line, 5);
    }

    #[test]
    fn a_text_that_is_read_as_input_is_no_here_document() {
        assert_eq!(
            shown("pdclean q <<< y\npdls 1\npdrm 2 <<<\"$X\""),
            ["1 [pdclean][q]", "2 [pdls][1]", "3 [pdrm][2]"]
        );
    }

    #[test]
    fn a_variable_says_what_stands_for_it() {
        let script = parse("LD=${LD:-mail-ld} pdpr \"${X%y}\"");
        let (name, word) = &script.commands[0].assignments[0];
        assert_eq!(name, "LD");
        assert!(word.0.contains(&Part::Variable {
            name: "LD".to_owned(),
            otherwise: Some("mail-ld".to_owned()),
            bare: true
        }));
        assert_eq!(script.commands[0].words[1].0, [Part::Unknown { bare: false }]);
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_read_to_its_end(text in "[a-z0-9 $(){}'\"`\\\\<>|&;#=\n-]{0,80}") {
            let _ = parse(&text);
        }
    }
}
