//! The mutants that are possible in a file.

use std::ops::Range;
use std::path::Path;

use syn::spanned::Spanned;
use syn::visit::{self, Visit};

/// Where a lost or a doubled job would be decided.
const ROOMS: [&str; 6] =
    ["src/store", "src/spool/jobs", "src/spool/printing", "src/spool/disk", "src/fastp/device", "src/fastp/content"];

/// Files of these rooms that only show what is there.
const SHOW: [&str; 4] =
    ["src/spool/jobs/why.rs", "src/spool/jobs/view.rs", "src/spool/jobs/history.rs", "src/spool/printing/progress.rs"];

/// How the call looks that asks whether a mutant is awake. `N` stands for its number.
const AWAKE: &str = "crate::mutant::awake(N)";

/// One small fault.
#[derive(Clone, Debug)]
pub struct Mutant {
    /// The file, below the root.
    pub file: String,
    /// The line, from 1.
    pub line: usize,
    /// What it does.
    pub what: String,
    /// The function in which it is.
    pub function: String,
    /// The octets of the file that it concerns.
    pub range: Range<usize>,
    /// What is put before them, with `N` for the number of the mutant.
    pub before: String,
    /// What is put behind them.
    pub after: String,
}

impl Mutant {
    /// What it is called in results.
    pub fn name(&self) -> String {
        format!("{}:{} {}: {}", self.file, self.line, self.function, self.what)
    }
}

/// Every mutant in the rooms, in the order of the files.
pub fn mutants(root: &Path) -> Vec<Mutant> {
    let mut files = Vec::new();
    ROOMS.iter().for_each(|room| walk(&root.join(room), &mut files));
    files.sort();
    let mut found = Vec::new();
    for path in files {
        let name = path.strip_prefix(root).expect("a file of the tree").to_str().expect("a plain name").to_owned();
        if name.contains("test") || SHOW.contains(&name.as_str()) {
            continue;
        }
        let text = std::fs::read_to_string(&path).expect("a file that can be read");
        let parsed = syn::parse_file(&text).expect("a file that compiles");
        let mut finder = Finder { file: &name, text: &text, function: Vec::new(), found: &mut found };
        finder.visit_file(&parsed);
    }
    found
}

fn walk(dir: &Path, files: &mut Vec<std::path::PathBuf>) {
    for entry in std::fs::read_dir(dir).expect("a room") {
        let path = entry.expect("an entry").path();
        match path.is_dir() {
            true => walk(&path, files),
            false if path.extension().is_some_and(|end| end == "rs") => files.push(path),
            false => {}
        }
    }
}

struct Finder<'a> {
    file: &'a str,
    text: &'a str,
    function: Vec<String>,
    found: &'a mut Vec<Mutant>,
}

impl Finder<'_> {
    fn add(&mut self, span: proc_macro2::Span, what: String, before: String, after: &str) {
        let range = span.byte_range();
        let function = self.function.join("::");
        self.found.push(Mutant {
            file: self.file.to_owned(),
            line: span.start().line,
            what,
            function,
            range,
            before,
            after: after.to_owned(),
        });
    }

    fn source(&self, node: &impl Spanned) -> &str {
        &self.text[node.span().byte_range()]
    }

    fn body(&mut self, signature: &syn::Signature, block: &syn::Block) {
        if signature.constness.is_some() || block.stmts.is_empty() {
            return;
        }
        let values = match &signature.output {
            syn::ReturnType::Default => vec![String::new()],
            syn::ReturnType::Type(_, kind) => values(kind),
        };
        for value in values {
            let span = block.stmts[0].span();
            let what = if value.is_empty() { "does nothing".to_owned() } else { format!("returns {value}") };
            self.add(span, what, format!("if {AWAKE} {{ return {value}; }} "), "");
        }
    }
}

/// Plain values of a type; none when there is none that is surely one.
fn values(kind: &syn::Type) -> Vec<String> {
    let syn::Type::Path(path) = kind else {
        return match kind {
            syn::Type::Tuple(tuple) if tuple.elems.is_empty() => vec!["()".into()],
            _ => Vec::new(),
        };
    };
    let Some(last) = path.path.segments.last() else { return Vec::new() };
    let inner = || match &last.arguments {
        syn::PathArguments::AngleBracketed(list) => list.args.iter().find_map(|arg| match arg {
            syn::GenericArgument::Type(kind) => Some(kind),
            _ => None,
        }),
        _ => None,
    };
    let words: &[&str] = match last.ident.to_string().as_str() {
        "bool" => &["true", "false"],
        "u8" | "u16" | "u32" | "u64" | "usize" | "i32" | "i64" => &["0", "1"],
        "String" => &["String::new()"],
        "Option" => &["None"],
        "Vec" => &["Vec::new()"],
        "Duration" => &["std::time::Duration::ZERO"],
        "Fallible" | "Result" => {
            return inner().map(values).unwrap_or_default().into_iter().map(|value| format!("Ok({value})")).collect();
        }
        _ => &[],
    };
    words.iter().map(|word| (*word).to_owned()).collect()
}

fn is_test(attributes: &[syn::Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        attribute.path().is_ident("test")
            || (attribute.path().is_ident("cfg")
                && attribute.parse_args::<syn::Ident>().is_ok_and(|word| word == "test"))
    })
}

fn has_let(expr: &syn::Expr) -> bool {
    match expr {
        syn::Expr::Let(_) => true,
        syn::Expr::Binary(binary) => has_let(&binary.left) || has_let(&binary.right),
        _ => false,
    }
}

/// The operators that an operator is exchanged for.
fn others(op: &syn::BinOp) -> &'static [&'static str] {
    use syn::BinOp;
    match op {
        BinOp::Eq(_) => &["!="],
        BinOp::Ne(_) => &["=="],
        BinOp::Lt(_) => &["<=", ">="],
        BinOp::Le(_) => &["<", ">"],
        BinOp::Gt(_) => &[">=", "<="],
        BinOp::Ge(_) => &[">", "<"],
        BinOp::And(_) => &["||"],
        BinOp::Or(_) => &["&&"],
        BinOp::Add(_) => &["-"],
        BinOp::Sub(_) => &["+"],
        BinOp::AddAssign(_) => &["-="],
        BinOp::SubAssign(_) => &["+="],
        _ => &[],
    }
}

impl<'ast> Visit<'ast> for Finder<'_> {
    fn visit_item_mod(&mut self, item: &'ast syn::ItemMod) {
        if !is_test(&item.attrs) {
            visit::visit_item_mod(self, item);
        }
    }

    fn visit_item_fn(&mut self, item: &'ast syn::ItemFn) {
        if is_test(&item.attrs) || item.sig.constness.is_some() {
            return;
        }
        self.function.push(item.sig.ident.to_string());
        self.body(&item.sig, &item.block);
        visit::visit_item_fn(self, item);
        self.function.pop();
    }

    fn visit_item_impl(&mut self, item: &'ast syn::ItemImpl) {
        // What is only shown to a reader decides nothing.
        let shows = item.trait_.as_ref().and_then(|(_, path, _)| path.segments.last());
        if is_test(&item.attrs) || shows.is_some_and(|last| last.ident == "Debug" || last.ident == "Display") {
            return;
        }
        let name = match &*item.self_ty {
            syn::Type::Path(path) => path.path.segments.last().map(|last| last.ident.to_string()),
            _ => None,
        };
        self.function.push(name.unwrap_or_default());
        visit::visit_item_impl(self, item);
        self.function.pop();
    }

    fn visit_impl_item_fn(&mut self, item: &'ast syn::ImplItemFn) {
        if is_test(&item.attrs) || item.sig.constness.is_some() {
            return;
        }
        self.function.push(item.sig.ident.to_string());
        self.body(&item.sig, &item.block);
        visit::visit_impl_item_fn(self, item);
        self.function.pop();
    }

    // What is computed when it is compiled cannot ask which mutant is awake.
    fn visit_item_const(&mut self, _: &'ast syn::ItemConst) {}
    fn visit_item_static(&mut self, _: &'ast syn::ItemStatic) {}
    fn visit_impl_item_const(&mut self, _: &'ast syn::ImplItemConst) {}
    fn visit_expr_const(&mut self, _: &'ast syn::ExprConst) {}
    fn visit_pat(&mut self, _: &'ast syn::Pat) {}
    fn visit_type(&mut self, _: &'ast syn::Type) {}
    fn visit_attribute(&mut self, _: &'ast syn::Attribute) {}

    fn visit_expr_binary(&mut self, expr: &'ast syn::ExprBinary) {
        if !has_let(&expr.left) && !has_let(&expr.right) {
            let (left, right) = (self.source(&expr.left).to_owned(), self.source(&expr.right).to_owned());
            let op = self.source(&expr.op).to_owned();
            for other in others(&expr.op) {
                let before = format!("(if {AWAKE} {{ {left} {other} {right} }} else {{ ");
                self.add(expr.span(), format!("{other} for {op} in `{left} {op} {right}`"), before, " })");
            }
        }
        visit::visit_expr_binary(self, expr);
    }

    fn visit_expr_unary(&mut self, expr: &'ast syn::ExprUnary) {
        if matches!(expr.op, syn::UnOp::Not(_)) {
            let operand = self.source(&expr.expr).to_owned();
            let before = format!("(if {AWAKE} {{ {operand} }} else {{ ");
            self.add(expr.span(), format!("no ! before `{operand}`"), before, " })");
        }
        visit::visit_expr_unary(self, expr);
    }

    fn visit_expr_lit(&mut self, expr: &'ast syn::ExprLit) {
        // A term of a condition in SQL is left out. One that takes a value is not: the count of values would tell.
        let syn::Lit::Str(literal) = &expr.lit else { return };
        let whole = self.source(literal).to_owned();
        if !whole.contains(" WHERE ") || !whole.starts_with('"') {
            return;
        }
        for (at, _) in whole.match_indices(" AND ") {
            let rest = &whole[at + 5..];
            let end = [" AND ", " OR ", ")", " ORDER ", " RETURNING ", " LIMIT ", "\n", "\""]
                .iter()
                .filter_map(|stop| rest.find(stop))
                .min()
                .unwrap_or(rest.len());
            let term = &rest[..end];
            if term.contains('?') || term.contains('(') || whole[..at].contains(" BETWEEN ") {
                continue;
            }
            let without = format!("{}{}", &whole[..at], &rest[end..]);
            let before = format!("(if {AWAKE} {{ {without} }} else {{ ");
            self.add(expr.span(), format!("SQL without `AND {term}`"), before, " })");
        }
    }

    fn visit_arm(&mut self, arm: &'ast syn::Arm) {
        if let Some((_, guard)) = &arm.guard {
            let text = self.source(&**guard).to_owned();
            if !has_let(guard) {
                self.add(guard.span(), format!("true for guard `{text}`"), format!("{AWAKE} || ("), ")");
                self.add(guard.span(), format!("false for guard `{text}`"), format!("!{AWAKE} && ("), ")");
            }
        }
        visit::visit_arm(self, arm);
    }

    fn visit_expr_match(&mut self, expr: &'ast syn::ExprMatch) {
        let has_rest = expr.arms.iter().any(|arm| arm.guard.is_none() && matches!(arm.pat, syn::Pat::Wild(_)));
        for arm in expr.arms.iter().filter(|_| has_rest) {
            if arm.guard.is_none() && !matches!(arm.pat, syn::Pat::Wild(_)) {
                let text = self.source(&arm.pat).to_owned();
                self.add(arm.pat.span(), format!("no arm `{text}`"), String::new(), &format!(" if !{AWAKE}"));
            }
        }
        visit::visit_expr_match(self, expr);
    }

    fn visit_stmt(&mut self, stmt: &'ast syn::Stmt) {
        if let syn::Stmt::Expr(expr, Some(_)) = stmt {
            let text = self.source(stmt).split_whitespace().collect::<Vec<_>>().join(" ");
            let called = matches!(
                expr,
                syn::Expr::Call(_) | syn::Expr::MethodCall(_) | syn::Expr::Try(_) | syn::Expr::Assign(_)
            );
            // Points at which tests kill are for tests; progress and logs are for readers.
            let for_readers = ["fault::point", ".log(", "progress", "tracing"].iter().any(|word| text.contains(word));
            if called && !for_readers {
                self.add(stmt.span(), format!("no `{text}`"), format!("if !{AWAKE} {{ "), " }");
            }
        }
        visit::visit_stmt(self, stmt);
    }
}
