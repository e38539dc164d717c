//! Which file of a crate uses what of which other.

use std::collections::{BTreeMap, BTreeSet};

use proc_macro2::{Delimiter, Spacing, TokenStream, TokenTree};
use syn::{
    Attribute, Item,
    spanned::Spanned as _,
    visit::{self, Visit},
};

use crate::tree::{
    FileId, ModuleId, Resolved, Tree, imports, is_for_tests, is_re_export, path_of_type, segments,
};

/// All arrows of a crate, and what could not be followed.
#[derive(Default)]
pub(crate) struct Uses {
    /// For each arrow, from the file that uses to the file that defines: what, and in which line
    /// for the first time.
    pub(crate) arrows: BTreeMap<(FileId, FileId), BTreeMap<String, usize>>,
    /// Paths into the crate whose end was not found: file, line, path.
    pub(crate) lost: Vec<(FileId, usize, String)>,
}

impl Uses {
    /// All that a crate's files use of one another. What is compiled for tests alone is left out:
    /// it hangs on everything, and nothing hangs on it.
    pub(crate) fn of(tree: &Tree) -> Self {
        let mut uses = Self::default();
        for (file, source) in tree.files.iter().enumerate() {
            if source.of_tests {
                continue;
            }
            let mut reader =
                Reader { tree, file, module: source.module, self_type: None, uses: &mut uses };
            for item in &source.syntax.items {
                reader.visit_item(item);
            }
        }
        uses
    }
}

/// Reads one file.
struct Reader<'a> {
    tree: &'a Tree,
    file: FileId,
    module: ModuleId,
    /// The type of the impl block around what is read.
    self_type: Option<Vec<String>>,
    uses: &'a mut Uses,
}

impl Reader<'_> {
    fn note(&mut self, files: BTreeMap<FileId, String>, line: usize) {
        for (file, name) in files {
            if file != self.file {
                let arrow = self.uses.arrows.entry((self.file, file)).or_default();
                arrow.entry(name).or_insert(line);
            }
        }
    }

    fn path(&mut self, path: &[String], line: usize) {
        let of_self = self.self_type.clone().filter(|_| path.first().is_some_and(|s| s == "Self"));
        let path = match of_self {
            Some(of_self) => of_self.into_iter().chain(path[1..].iter().cloned()).collect(),
            None => path.to_vec(),
        };
        match self.tree.resolve(self.module, &path) {
            Resolved::Files(files) => self.note(files, line),
            Resolved::Nothing => {}
            Resolved::Lost => self.uses.lost.push((self.file, line, path.join("::"))),
        }
    }

    /// `self.method`, within an impl block.
    fn member_of_self(&mut self, member: &str, line: usize) {
        if let Some(of_self) = &self.self_type {
            self.note(self.tree.resolve_member(self.module, of_self, member), line);
        }
    }

    /// What a macro is given, which has no syntax before it is expanded: every path that stands in
    /// it, and every `self.method`.
    fn tokens(&mut self, tokens: TokenStream) {
        let tokens: Vec<_> = tokens.into_iter().collect();
        let punctuation = |at: usize| match tokens.get(at) {
            Some(TokenTree::Punct(punct)) => Some(punct.as_char()),
            _ => None,
        };
        let ident = |at: usize| match tokens.get(at) {
            Some(TokenTree::Ident(ident)) => Some(ident),
            _ => None,
        };
        let is_joint = |at: usize| matches!(tokens.get(at), Some(TokenTree::Punct(p)) if p.spacing() == Spacing::Joint);
        let is_path_separator = |at: usize| {
            punctuation(at) == Some(':') && is_joint(at) && punctuation(at + 1) == Some(':')
        };
        let mut at = 0;
        while at < tokens.len() {
            if let TokenTree::Group(group) = &tokens[at] {
                self.tokens(group.stream());
            }
            let Some(first) = ident(at) else {
                at += 1;
                continue;
            };
            let before = at.checked_sub(1).and_then(punctuation);
            let line = first.span().start().line;
            let mut path = vec![first.to_string()];
            at += 1;
            while is_path_separator(at)
                && let Some(next) = ident(at + 2)
            {
                path.push(next.to_string());
                at += 3;
            }
            if path == ["self"]
                && punctuation(at) == Some('.')
                && let Some(member) = ident(at + 1)
            {
                self.member_of_self(&member.to_string(), line);
            }
            // Not `.field`, `'lifetime` or `::other_crate`; and of macros' variables only `$crate`.
            let is_crate = path[0] == "crate";
            if !(matches!(before, Some('.' | '\'' | ':')) || before == Some('$') && !is_crate) {
                // `use a::{b, c}` within a macro.
                let group = if is_path_separator(at) { tokens.get(at + 2) } else { None };
                match group {
                    Some(TokenTree::Group(group)) if group.delimiter() == Delimiter::Brace => {
                        at += 3;
                        for name in group.stream() {
                            if let TokenTree::Ident(name) = name {
                                let whole = path.iter().cloned().chain([name.to_string()]);
                                self.path(&whole.collect::<Vec<_>>(), line);
                            }
                        }
                    }
                    _ => self.path(&path, line),
                }
            }
        }
    }
}

impl<'ast> Visit<'ast> for Reader<'_> {
    fn visit_item(&mut self, item: &'ast Item) {
        let attributes = match item {
            Item::Const(item) => &item.attrs,
            Item::Enum(item) => &item.attrs,
            Item::Fn(item) => &item.attrs,
            Item::Impl(item) => &item.attrs,
            Item::Macro(item) => &item.attrs,
            Item::Mod(item) => &item.attrs,
            Item::Static(item) => &item.attrs,
            Item::Struct(item) => &item.attrs,
            Item::Trait(item) => &item.attrs,
            Item::Type(item) => &item.attrs,
            Item::Use(item) => &item.attrs,
            _ => &Vec::new(),
        };
        if !is_for_tests(attributes) {
            visit::visit_item(self, item);
        }
    }

    fn visit_impl_item_fn(&mut self, function: &'ast syn::ImplItemFn) {
        if !is_for_tests(&function.attrs) {
            visit::visit_impl_item_fn(self, function);
        }
    }

    fn visit_item_mod(&mut self, child: &'ast syn::ItemMod) {
        if let Some(inline) = self.tree.inline_module(self.module, &child.ident.to_string()) {
            let outside = std::mem::replace(&mut self.module, inline);
            visit::visit_item_mod(self, child);
            self.module = outside;
        }
    }

    fn visit_item_use(&mut self, import: &'ast syn::ItemUse) {
        // What is only handed on is used by whoever takes it, and where it is defined.
        if is_re_export(&import.vis) {
            return;
        }
        for import in imports(&import.tree) {
            if import.name.is_some() {
                self.path(&import.path, import.line);
            }
        }
    }

    fn visit_item_impl(&mut self, block: &'ast syn::ItemImpl) {
        let outside = std::mem::replace(&mut self.self_type, path_of_type(&block.self_ty));
        visit::visit_item_impl(self, block);
        self.self_type = outside;
    }

    fn visit_expr_method_call(&mut self, call: &'ast syn::ExprMethodCall) {
        if matches!(&*call.receiver, syn::Expr::Path(path) if path.path.is_ident("self")) {
            self.member_of_self(&call.method.to_string(), call.method.span().start().line);
        }
        visit::visit_expr_method_call(self, call);
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        if path.leading_colon.is_none() {
            self.path(&segments(path), path.span().start().line);
        }
        visit::visit_path(self, path);
    }

    fn visit_macro(&mut self, call: &'ast syn::Macro) {
        if let Some(name) = call.path.get_ident()
            && let Resolved::Files(files) = self.tree.resolve_macro(self.module, &name.to_string())
        {
            self.note(files, name.span().start().line);
        }
        self.visit_path(&call.path);
        self.tokens(call.tokens.clone());
    }

    fn visit_attribute(&mut self, attribute: &'ast Attribute) {
        if attribute.path().is_ident("doc") {
            return;
        }
        if let syn::Meta::List(list) = &attribute.meta {
            self.tokens(list.tokens.clone());
            // serde names functions in strings.
            for token in list.tokens.clone() {
                if let TokenTree::Literal(literal) = token
                    && let Ok(syn::Lit::Str(text)) = syn::parse_str(&literal.to_string())
                    && let Ok(path) = text.parse::<syn::Path>()
                    && let Resolved::Files(files) = self.tree.resolve(self.module, &segments(&path))
                {
                    self.note(files, literal.span().start().line);
                }
            }
        }
    }
}

/// The files that use one another around corners: each group with more than one file, in order.
pub(crate) fn cycles(tree: &Tree, uses: &Uses) -> Vec<Vec<FileId>> {
    let mut after: BTreeMap<FileId, BTreeSet<FileId>> = BTreeMap::new();
    for (from, to) in uses.arrows.keys() {
        after.entry(*from).or_default().insert(*to);
    }
    let reached: Vec<BTreeSet<FileId>> = (0..tree.files.len())
        .map(|start| {
            let mut seen = BTreeSet::new();
            let mut to_visit = vec![start];
            while let Some(file) = to_visit.pop() {
                let next = after.get(&file).into_iter().flatten();
                to_visit.extend(next.filter(|file| seen.insert(**file)));
            }
            seen
        })
        .collect();
    let mut groups = BTreeSet::new();
    for (file, reached_from) in reached.iter().enumerate() {
        let both_ways = reached_from.iter().filter(|other| reached[**other].contains(&file));
        let group: Vec<FileId> = both_ways.copied().collect();
        if group.len() > 1 {
            groups.insert(group);
        }
    }
    groups.into_iter().collect()
}
