//! The modules of one crate, read from its sources: who defines which name, and where a path leads.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
};

use proc_macro2::{TokenStream, TokenTree};
use syn::{
    Attribute, File, Item, Type, UseTree, Visibility,
    visit::{self, Visit},
};

/// The index of a module in [`Tree::modules`].
pub(crate) type ModuleId = usize;

/// The index of a source file in [`Tree::files`].
pub(crate) type FileId = usize;

/// All modules of a crate.
#[derive(Default)]
pub(crate) struct Tree {
    pub(crate) files: Vec<SourceFile>,
    modules: Vec<Module>,
    /// The inherent methods and constants of the crate's types, with the files that hold them.
    members: BTreeMap<Definition, Vec<(String, FileId)>>,
}

/// One file, parsed.
pub(crate) struct SourceFile {
    /// Relative to the folder that holds the crate's root.
    pub(crate) path: PathBuf,
    /// The module that the file is.
    pub(crate) module: ModuleId,
    pub(crate) syntax: File,
    /// Whether the whole file is compiled for tests alone.
    pub(crate) of_tests: bool,
}

/// One module: a file, or a block within one.
struct Module {
    file: FileId,
    parent: Option<ModuleId>,
    names: BTreeMap<String, Vec<Name>>,
    /// The paths of `use path::*`.
    globs: Vec<Vec<String>>,
    /// The words in the macros that are called or made here: some are names that those define.
    words_in_macros: BTreeSet<String>,
    /// The macros that are made here, for `#[macro_use]`.
    macros: BTreeSet<String>,
}

/// What a name in a module means.
enum Name {
    /// Something that is defined in that module, nearly always the same one: an exported macro is
    /// the root's as well. An enum's variants are kept for `use Enum::*`.
    Item {
        module: ModuleId,
        variants: BTreeSet<String>,
    },
    Module(ModuleId),
    /// What that path leads to from there.
    Import(Vec<String>),
}

/// The place where something is defined.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Definition {
    module: ModuleId,
    pub(crate) name: String,
}

/// Where a path leads.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Target {
    Module(ModuleId),
    /// An item, and the segment behind it if there is one: a variant, a method, a constant.
    Item(Definition, Option<String>),
    /// Out of the crate.
    Outside,
}

/// What became of a path.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Resolved {
    /// It leads to definitions in these files, and this is what it names there.
    Files(BTreeMap<FileId, String>),
    /// It names only modules, or something from outside of the crate.
    Nothing,
    /// It begins in this crate, but what it names cannot be found.
    Lost,
}

impl Tree {
    /// Reads a crate from its root file on. `read` gives a file's text, or none where there is no
    /// such file.
    ///
    /// # Panics
    ///
    /// If a file cannot be parsed, or a module has no file.
    pub(crate) fn read(root: &Path, read: &dyn Fn(&Path) -> Option<String>) -> Self {
        let mut tree = Self::default();
        tree.add_file(root, None, false, read);
        tree.find_members();
        tree
    }

    fn add_file(
        &mut self,
        path: &Path,
        parent: Option<ModuleId>,
        of_tests: bool,
        read: &dyn Fn(&Path) -> Option<String>,
    ) -> ModuleId {
        let text = read(path).unwrap_or_else(|| panic!("no file {}", path.display()));
        let syntax =
            syn::parse_file(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let file = self.files.len();
        let module = self.add_module(file, parent);
        let items = syntax.items.clone();
        self.files.push(SourceFile { path: path.to_owned(), module, syntax, of_tests });
        // The folder in which this module's children lie: `a/mod.rs` and `a.rs` both mean `a/`.
        let own = path.file_stem().and_then(|stem| stem.to_str()).expect("a name");
        let folder = path.parent().expect("a folder");
        let is_folder_itself = parent.is_none() || own == "mod";
        let folder = if is_folder_itself { folder.to_owned() } else { folder.join(own) };
        self.add_items(module, &items, &folder, of_tests, read);
        module
    }

    fn add_module(&mut self, file: FileId, parent: Option<ModuleId>) -> ModuleId {
        self.modules.push(Module {
            file,
            parent,
            names: BTreeMap::new(),
            globs: Vec::new(),
            words_in_macros: BTreeSet::new(),
            macros: BTreeSet::new(),
        });
        self.modules.len() - 1
    }

    fn add_items(
        &mut self,
        module: ModuleId,
        items: &[Item],
        folder: &Path,
        of_tests: bool,
        read: &dyn Fn(&Path) -> Option<String>,
    ) {
        for item in items {
            match item {
                Item::Mod(child) => {
                    let name = child.ident.to_string();
                    let of_tests = of_tests || is_for_tests(&child.attrs);
                    let inside = folder.join(&name);
                    let id = if let Some((_, items)) = &child.content {
                        let id = self.add_module(self.modules[module].file, Some(module));
                        self.add_items(id, items, &inside, of_tests, read);
                        id
                    } else {
                        let beside = folder.join(format!("{name}.rs"));
                        let nested = inside.join("mod.rs");
                        let path = [beside, nested]
                            .into_iter()
                            .find(|path| read(path).is_some())
                            .unwrap_or_else(|| panic!("no file for {}", inside.display()));
                        self.add_file(&path, Some(module), of_tests, read)
                    };
                    self.bind(module, &name, Name::Module(id));
                    if child.attrs.iter().any(|a| a.path().is_ident("macro_use")) {
                        for name in self.modules[id].macros.clone() {
                            let variants = BTreeSet::new();
                            self.bind(module, &name, Name::Item { module: id, variants });
                        }
                    }
                }
                Item::Use(import) => self.add_import(module, &import.tree),
                Item::Macro(call) => {
                    words(call.mac.tokens.clone(), &mut self.modules[module].words_in_macros);
                    if let Some(name) = &call.ident {
                        let name = name.to_string();
                        if call.attrs.iter().any(|a| a.path().is_ident("macro_export")) {
                            self.bind(0, &name, Name::Item { module, variants: BTreeSet::new() });
                        }
                        self.define(module, &name);
                        self.modules[module].macros.insert(name);
                    }
                }
                Item::Enum(item) => {
                    let variants = item.variants.iter().map(|variant| variant.ident.to_string());
                    let variants = variants.collect();
                    self.bind(module, &item.ident.to_string(), Name::Item { module, variants });
                }
                Item::Const(item) => self.define(module, &item.ident.to_string()),
                Item::Fn(item) => self.define(module, &item.sig.ident.to_string()),
                Item::Static(item) => self.define(module, &item.ident.to_string()),
                Item::Struct(item) => self.define(module, &item.ident.to_string()),
                Item::Trait(item) => self.define(module, &item.ident.to_string()),
                Item::TraitAlias(item) => self.define(module, &item.ident.to_string()),
                Item::Type(item) => self.define(module, &item.ident.to_string()),
                Item::Union(item) => self.define(module, &item.ident.to_string()),
                _ => {}
            }
            // A `use` within a function: what it brings is taken as the module's, behind its own.
            if !matches!(item, Item::Mod(_) | Item::Use(_)) {
                let mut within = ImportsWithin::default();
                within.visit_item(item);
                for import in within.0 {
                    self.add_import(module, &import);
                }
            }
        }
    }

    fn define(&mut self, module: ModuleId, name: &str) {
        self.bind(module, name, Name::Item { module, variants: BTreeSet::new() });
    }

    fn bind(&mut self, module: ModuleId, name: &str, meaning: Name) {
        self.modules[module].names.entry(name.to_owned()).or_default().push(meaning);
    }

    fn add_import(&mut self, module: ModuleId, tree: &UseTree) {
        for import in imports(tree) {
            match import.name {
                Some(name) => self.bind(module, &name, Name::Import(import.path)),
                None => self.modules[module].globs.push(import.path),
            }
        }
    }

    /// Notes for each inherent impl which members of its type are in which file.
    fn find_members(&mut self) {
        let mut found: Vec<(Definition, String, FileId)> = Vec::new();
        for file in &self.files {
            let mut impls = InherentImpls { module: file.module, tree: self, found: Vec::new() };
            impls.visit_file(&file.syntax);
            let file = self.modules[file.module].file;
            found.extend(impls.found.into_iter().map(|(of_type, name)| (of_type, name, file)));
        }
        for (of_type, name, file) in found {
            self.members.entry(of_type).or_default().push((name, file));
        }
    }

    /// The module of that name that is a block within this one.
    pub(crate) fn inline_module(&self, within: ModuleId, name: &str) -> Option<ModuleId> {
        self.modules[within].names.get(name)?.iter().find_map(|name| match name {
            Name::Module(id) if self.modules[*id].file == self.modules[within].file => Some(*id),
            _ => None,
        })
    }

    /// Which files define what a path names, read in that module.
    pub(crate) fn resolve(&self, from: ModuleId, path: &[String]) -> Resolved {
        let targets = self.targets(from, path, &mut BTreeSet::new());
        let mut files = BTreeMap::new();
        for target in &targets {
            let Target::Item(definition, member) = target else { continue };
            files.insert(self.modules[definition.module].file, definition.name.clone());
            if let Some(member) = member {
                files.extend(self.member_files(definition, member));
            }
        }
        let begins_here = path.len() > 1
            && matches!(path[0].as_str(), "crate" | "self" | "super")
            // A prefix alone, as in `pub(super)`, is a module.
            && path.iter().any(|segment| !matches!(segment.as_str(), "crate" | "self" | "super"));
        match (files.is_empty(), targets.is_empty()) {
            (false, _) => Resolved::Files(files),
            (true, true) if begins_here => Resolved::Lost,
            (true, _) => Resolved::Nothing,
        }
    }

    /// The files that hold the inherent members of that name of the type that a path names.
    pub(crate) fn resolve_member(
        &self,
        from: ModuleId,
        of_type: &[String],
        member: &str,
    ) -> BTreeMap<FileId, String> {
        let mut files = BTreeMap::new();
        for target in self.targets(from, of_type, &mut BTreeSet::new()) {
            if let Target::Item(definition, None) = target {
                files.extend(self.member_files(&definition, member));
            }
        }
        files
    }

    fn member_files(
        &self,
        of_type: &Definition,
        member: &str,
    ) -> impl Iterator<Item = (FileId, String)> {
        let all = self.members.get(of_type).into_iter().flatten();
        let called = format!("{}::{member}", of_type.name);
        let of_that_name: Vec<_> =
            all.filter(|(name, _)| name == member).map(|(_, file)| *file).collect();
        of_that_name.into_iter().map(move |file| (file, called.clone()))
    }

    /// Where a path leads. `seen` ends circles of imports.
    fn targets(
        &self,
        from: ModuleId,
        path: &[String],
        seen: &mut BTreeSet<(ModuleId, String)>,
    ) -> BTreeSet<Target> {
        let Some((first, mut rest)) = path.split_first() else { return BTreeSet::new() };
        let mut current: BTreeSet<Target> = match first.as_str() {
            "crate" => [Target::Module(0)].into(),
            "self" => [Target::Module(from)].into(),
            "super" => self.modules[from].parent.into_iter().map(Target::Module).collect(),
            name => {
                let found = self.look_up(from, name, seen);
                if found.is_empty() { [Target::Outside].into() } else { found }
            }
        };
        while let Some((segment, behind)) = rest.split_first() {
            rest = behind;
            current = current
                .into_iter()
                .flat_map(|target| match target {
                    Target::Module(module) if segment == "super" => {
                        self.modules[module].parent.into_iter().map(Target::Module).collect()
                    }
                    Target::Module(module) if segment == "self" => {
                        BTreeSet::from([Target::Module(module)])
                    }
                    Target::Module(module) => self.look_up(module, segment, seen),
                    Target::Item(definition, None) => {
                        [Target::Item(definition, Some(segment.clone()))].into()
                    }
                    item => [item].into(),
                })
                .collect();
        }
        current
    }

    /// What a name means in a module.
    fn look_up(
        &self,
        module: ModuleId,
        name: &str,
        seen: &mut BTreeSet<(ModuleId, String)>,
    ) -> BTreeSet<Target> {
        if !seen.insert((module, name.to_owned())) {
            return BTreeSet::new();
        }
        let here = &self.modules[module];
        let mut found = BTreeSet::new();
        for meaning in here.names.get(name).into_iter().flatten() {
            match meaning {
                Name::Item { module, .. } => {
                    let definition = Definition { module: *module, name: name.to_owned() };
                    found.insert(Target::Item(definition, None));
                }
                Name::Module(id) => {
                    found.insert(Target::Module(*id));
                }
                Name::Import(path) => found.extend(self.targets(module, path, seen)),
            }
        }
        if found.is_empty() {
            for path in &here.globs {
                for target in self.targets(module, path, &mut seen.clone()) {
                    match target {
                        Target::Module(id) => found.extend(self.look_up(id, name, seen)),
                        Target::Item(of, None) if self.variants(&of).contains(name) => {
                            found.insert(Target::Item(of, Some(name.to_owned())));
                        }
                        // Whatever is not found here may come from there, but need not.
                        Target::Item(..) | Target::Outside => {}
                    }
                }
            }
        }
        if found.is_empty() && here.words_in_macros.contains(name) {
            found.insert(Target::Item(Definition { module, name: name.to_owned() }, None));
        }
        seen.remove(&(module, name.to_owned()));
        found
    }

    fn variants(&self, of: &Definition) -> BTreeSet<String> {
        let meanings = self.modules[of.module].names.get(&of.name).into_iter().flatten();
        meanings
            .filter_map(|meaning| match meaning {
                Name::Item { variants, .. } => Some(variants.iter().cloned()),
                _ => None,
            })
            .flatten()
            .collect()
    }

    /// The files of the macros of that name that textual scope reaches from a module.
    pub(crate) fn resolve_macro(&self, from: ModuleId, name: &str) -> Resolved {
        let path = [name.to_owned()];
        let mut module = Some(from);
        while let Some(id) = module {
            if let found @ Resolved::Files(_) = self.resolve(id, &path) {
                return found;
            }
            module = self.modules[id].parent;
        }
        Resolved::Nothing
    }
}

/// One name that a `use` brings, or all of a module's.
pub(crate) struct Import {
    pub(crate) path: Vec<String>,
    /// None for `*`.
    pub(crate) name: Option<String>,
    pub(crate) line: usize,
}

/// What a `use` brings, one by one.
pub(crate) fn imports(tree: &UseTree) -> Vec<Import> {
    fn collect(tree: &UseTree, before: &[String], into: &mut Vec<Import>) {
        let mut path = before.to_vec();
        match tree {
            UseTree::Path(step) => {
                path.push(step.ident.to_string());
                collect(&step.tree, &path, into);
            }
            UseTree::Group(group) => {
                group.items.iter().for_each(|tree| collect(tree, before, into));
            }
            UseTree::Glob(glob) => {
                let line = glob.star_token.spans[0].start().line;
                into.push(Import { path, name: None, line });
            }
            UseTree::Name(named) => {
                let line = named.ident.span().start().line;
                // `use a::{self}` brings `a`.
                if named.ident != "self" {
                    path.push(named.ident.to_string());
                }
                into.push(Import { name: path.last().cloned(), path, line });
            }
            UseTree::Rename(renamed) => {
                let line = renamed.ident.span().start().line;
                if renamed.ident != "self" {
                    path.push(renamed.ident.to_string());
                }
                into.push(Import { path, name: Some(renamed.rename.to_string()), line });
            }
        }
    }
    let mut found = Vec::new();
    collect(tree, &[], &mut found);
    found
}

/// Every word in what a macro is given.
fn words(tokens: TokenStream, into: &mut BTreeSet<String>) {
    for token in tokens {
        match token {
            TokenTree::Ident(word) => drop(into.insert(word.to_string())),
            TokenTree::Group(group) => words(group.stream(), into),
            _ => {}
        }
    }
}

/// Whether something is compiled for tests alone: `cfg(test)`, or `cfg(all(test, …))`.
pub(crate) fn is_for_tests(attributes: &[Attribute]) -> bool {
    attributes.iter().filter(|attribute| attribute.path().is_ident("cfg")).any(|attribute| {
        let mut said = BTreeSet::new();
        if let syn::Meta::List(list) = &attribute.meta {
            words(list.tokens.clone(), &mut said);
        }
        let says = |word: &str| said.contains(word);
        (says("test") || says("doctest")) && !says("any") && !says("not")
    })
}

/// Whether a `use` hands on what it brings.
pub(crate) fn is_re_export(visibility: &Visibility) -> bool {
    !matches!(visibility, Visibility::Inherited)
}

/// The path of a type that is a plain path, without its generics.
pub(crate) fn path_of_type(of: &Type) -> Option<Vec<String>> {
    match of {
        Type::Path(path) if path.qself.is_none() => Some(segments(&path.path)),
        Type::Reference(reference) => path_of_type(&reference.elem),
        Type::Paren(inner) => path_of_type(&inner.elem),
        Type::Group(inner) => path_of_type(&inner.elem),
        _ => None,
    }
}

/// The segments of a path, without their generics.
pub(crate) fn segments(path: &syn::Path) -> Vec<String> {
    path.segments.iter().map(|segment| segment.ident.to_string()).collect()
}

/// The `use`s within functions.
#[derive(Default)]
struct ImportsWithin(Vec<UseTree>);

impl<'ast> Visit<'ast> for ImportsWithin {
    fn visit_item_use(&mut self, import: &'ast syn::ItemUse) {
        self.0.push(import.tree.clone());
    }
}

/// The members in a file's inherent impls.
struct InherentImpls<'a> {
    module: ModuleId,
    tree: &'a Tree,
    found: Vec<(Definition, String)>,
}

impl<'ast> Visit<'ast> for InherentImpls<'_> {
    fn visit_item_mod(&mut self, child: &'ast syn::ItemMod) {
        if let Some(inline) = self.tree.inline_module(self.module, &child.ident.to_string()) {
            let outside = std::mem::replace(&mut self.module, inline);
            visit::visit_item_mod(self, child);
            self.module = outside;
        }
    }

    fn visit_item_impl(&mut self, block: &'ast syn::ItemImpl) {
        let Some(path) = path_of_type(&block.self_ty).filter(|_| block.trait_.is_none()) else {
            return;
        };
        for target in self.tree.targets(self.module, &path, &mut BTreeSet::new()) {
            let Target::Item(of_type, None) = target else { continue };
            for item in &block.items {
                let name = match item {
                    syn::ImplItem::Fn(item) => &item.sig.ident,
                    syn::ImplItem::Const(item) => &item.ident,
                    _ => continue,
                };
                self.found.push((of_type.clone(), name.to_string()));
            }
        }
    }
}
