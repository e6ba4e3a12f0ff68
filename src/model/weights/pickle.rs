//! A reader for the part of Python's pickle language that `torch.save` writes.
//!
//! A pickle is a program for a small stack machine, and Python's own machine calls whatever function the program
//! names. This one calls nothing: it builds a tree of plain values and knows the few names that describe tensors. Objects
//! of other classes are kept as what was put into them, under the name of their class; a file that asks to call somebody's
//! function is refused. All values live in one flat list, so that neither deep nesting nor values that contain themselves
//! can exhaust the call stack.

use super::element::Element;
use super::globals::{Known, known};
use super::tree::{Id, Object, Storage, TensorPlace, Tree, Value};
use std::collections::HashMap;
use std::sync::Arc;

/// Most values one file may describe; a checkpoint with optimiser state of a thousand tensors has about 100,000.
const MOST_VALUES: usize = 4_000_000;
/// Most dimensions of a tensor.
const MOST_DIMENSIONS: usize = 16;
/// Most values put on the stack or copied, all together: what is named again and again costs as much as what is new.
const MOST_WORK: usize = 32_000_000;
/// Longest name of a storage, which PyTorch counts, and of a class or function.
const LONGEST_KEY: usize = 256;

/// Why a pickle was refused. Completes the sentence "FILE is not a usable weight file: …".
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum PickleError {
    #[error("it ends in the middle; it was probably cut off while copying or downloading, so fetch it again")]
    Truncated,
    #[error("it is damaged ({0})")]
    Damaged(&'static str),
    #[error(
        "it uses the pickle instruction 0x{0:02x}, which torch.save does not write; save the weights again with PyTorch"
    )]
    Instruction(u8),
    #[error("it describes more than {MOST_VALUES} values, far more than weights need")]
    TooMuch,
    #[error(
        "it asks to run {0}, and loading weights never needs to run anything. Files like this can be harmful: do not \
         open it in Python either, unless you know who made it"
    )]
    Code(String),
    #[error(
        "it holds numbers of a type that is not known ({0}); convert them to float32 in Python and save them again"
    )]
    Storage(String),
    #[error("it describes a tensor that cannot be: {0}")]
    Tensor(String),
}

use PickleError::{Damaged, Truncated};

type Result<T> = std::result::Result<T, PickleError>;

/// Reads one pickle from the beginning of `bytes`; also tells how many bytes it has.
pub(super) fn read(bytes: &[u8]) -> Result<(Tree, usize)> {
    let mut machine = Machine {
        bytes,
        at: 0,
        values: Vec::new(),
        stack: Vec::new(),
        marks: Vec::new(),
        memo: HashMap::new(),
        work: 0,
    };
    let root = machine.run()?;
    Ok((Tree { values: machine.values, root }, machine.at))
}

struct Machine<'a> {
    bytes: &'a [u8],
    at: usize,
    values: Vec<Value>,
    stack: Vec<Id>,
    marks: Vec<usize>,
    memo: HashMap<u32, Id>,
    work: usize,
}

impl Machine<'_> {
    fn run(&mut self) -> Result<Id> {
        loop {
            let instruction = self.byte()?;
            match instruction {
                b'.' => return self.pop(),
                0x80 => {
                    if self.byte()? > 5 {
                        return Err(Damaged("an unknown version of pickle"));
                    }
                }
                0x95 => drop(self.take(8)?), // FRAME: only a hint for reading in pieces
                b'(' | b'0' | b'1' | b'2' => self.arrange(instruction)?,
                b'q' | b'r' | 0x94 | b'h' | b'j' => self.remember(instruction)?,
                b'N' | 0x88 | 0x89 | b'J' | b'K' | b'M' | 0x8a | 0x8b | b'G' => self.number(instruction)?,
                b'X' | 0x8c | 0x8d | b'U' | b'T' | b'C' | b'B' | 0x8e | 0x96 => self.text(instruction)?,
                b')' | b't' | 0x85 | 0x86 | 0x87 => self.tuple(instruction)?,
                b']' | b'l' | b'a' | b'e' | 0x8f | 0x90 | 0x91 => self.list(instruction)?,
                b'}' | b'd' | b's' | b'u' => self.dict(instruction)?,
                b'c' | 0x93 => self.global(instruction)?,
                b'Q' => self.persistent()?,
                b'R' | 0x81 | 0x92 | b'i' | b'o' => self.call(instruction)?,
                b'b' => self.build()?,
                other => return Err(PickleError::Instruction(other)),
            }
        }
    }

    // ---- bytes ----

    fn byte(&mut self) -> Result<u8> {
        let byte = *self.bytes.get(self.at).ok_or(Truncated)?;
        self.at += 1;
        Ok(byte)
    }

    fn take(&mut self, n: u64) -> Result<&[u8]> {
        let n = usize::try_from(n).map_err(|_| Truncated)?;
        let end = self.at.checked_add(n).ok_or(Truncated)?;
        let taken = self.bytes.get(self.at..end).ok_or(Truncated)?;
        self.at = end;
        Ok(taken)
    }

    /// A little-endian number of `n` bytes, at most 8.
    fn unsigned(&mut self, n: u64) -> Result<u64> {
        Ok(self.take(n)?.iter().rev().fold(0, |sum, byte| sum << 8 | u64::from(*byte)))
    }

    fn line(&mut self) -> Result<String> {
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        let end = rest.iter().position(|b| *b == b'\n').ok_or(Truncated)?;
        let line = std::str::from_utf8(&rest[..end]).map_err(|_| Damaged("a name is not text"))?.to_owned();
        self.at += end + 1;
        Ok(line)
    }

    // ---- the stack ----

    /// Counts what is done, so that a short file cannot keep the reader busy or fill the memory.
    fn charge(&mut self, n: usize) -> Result<()> {
        self.work = self.work.saturating_add(n);
        if self.work > MOST_WORK { Err(PickleError::TooMuch) } else { Ok(()) }
    }

    fn push_id(&mut self, id: Id) -> Result<()> {
        self.charge(1)?;
        self.stack.push(id);
        Ok(())
    }

    fn push(&mut self, value: Value) -> Result<()> {
        if self.values.len() >= MOST_VALUES {
            return Err(PickleError::TooMuch);
        }
        self.values.push(value);
        self.push_id((self.values.len() - 1) as Id)
    }

    /// The floor below which the values belong to whoever set the last mark.
    fn floor(&self) -> usize {
        self.marks.last().copied().unwrap_or(0)
    }

    fn pop(&mut self) -> Result<Id> {
        if self.stack.len() <= self.floor() {
            return Err(Damaged("a value is missing"));
        }
        self.stack.pop().ok_or(Damaged("a value is missing"))
    }

    fn top(&self) -> Result<Id> {
        let top = self.stack.get(self.floor()..).and_then(|s| s.last());
        top.copied().ok_or(Damaged("a value is missing"))
    }

    /// Everything since the last mark.
    fn pop_to_mark(&mut self) -> Result<Vec<Id>> {
        let mark = self.marks.pop().ok_or(Damaged("a mark is missing"))?;
        if mark > self.stack.len() {
            return Err(Damaged("a mark is missing"));
        }
        Ok(self.stack.split_off(mark))
    }

    fn value(&self, id: Id) -> &Value {
        self.values.get(id as usize).unwrap_or(&Value::Other)
    }

    fn arrange(&mut self, instruction: u8) -> Result<()> {
        match instruction {
            b'(' => {
                self.charge(1)?;
                self.marks.push(self.stack.len());
                Ok(())
            }
            // POP takes a mark off when nothing lies on it.
            b'0' if self.marks.last() == Some(&self.stack.len()) => {
                self.marks.pop();
                Ok(())
            }
            b'0' => self.pop().map(drop),
            b'1' => self.pop_to_mark().map(drop),
            _ => self.top().and_then(|id| self.push_id(id)),
        }
    }

    fn remember(&mut self, instruction: u8) -> Result<()> {
        let wide = |i| if i == b'q' || i == b'h' { 1 } else { 4 };
        match instruction {
            b'q' | b'r' | 0x94 => {
                let key = match instruction {
                    0x94 => self.memo.len() as u32,
                    other => self.unsigned(wide(other))? as u32,
                };
                let top = self.top()?;
                self.memo.insert(key, top);
                Ok(())
            }
            other => {
                let key = self.unsigned(wide(other))? as u32;
                let id = *self.memo.get(&key).ok_or(Damaged("it refers to a value that is not there"))?;
                self.push_id(id)
            }
        }
    }

    // ---- plain values ----

    fn number(&mut self, instruction: u8) -> Result<()> {
        let value = match instruction {
            b'N' => Value::None,
            0x88 => Value::Bool(true),
            0x89 => Value::Bool(false),
            b'J' => Value::Int(i64::from(self.unsigned(4)? as u32 as i32)),
            b'K' => Value::Int(self.unsigned(1)? as i64),
            b'M' => Value::Int(self.unsigned(2)? as i64),
            b'G' => {
                self.take(8)?;
                Value::Other
            }
            _ => {
                let size = self.unsigned(if instruction == 0x8a { 1 } else { 4 })?;
                let bytes = self.take(size)?;
                match bytes.len() {
                    0 => Value::Int(0),
                    n @ 1..=8 => {
                        let unsigned = bytes.iter().rev().fold(0_u64, |sum, byte| sum << 8 | u64::from(*byte));
                        let unused = 64 - 8 * n as u32;
                        Value::Int(((unsigned << unused) as i64) >> unused)
                    }
                    // Larger than any size or position can be.
                    _ => Value::Other,
                }
            }
        };
        self.push(value)
    }

    fn text(&mut self, instruction: u8) -> Result<()> {
        let size = self.unsigned(match instruction {
            0x8c | b'U' | b'C' => 1,
            b'X' | b'T' | b'B' => 4,
            _ => 8,
        })?;
        let bytes = self.take(size)?;
        let value = match instruction {
            b'C' | b'B' | 0x8e | 0x96 => Value::Other,
            _ => match std::str::from_utf8(bytes) {
                Ok(text) => Value::Text(text.to_owned()),
                // Strings of Python 2 may be anything.
                Err(_) => Value::Other,
            },
        };
        self.push(value)
    }

    fn tuple(&mut self, instruction: u8) -> Result<()> {
        let items = match instruction {
            b')' => Vec::new(),
            b't' => self.pop_to_mark()?,
            n => {
                let mut items = (0..n - 0x84).map(|_| self.pop()).collect::<Result<Vec<Id>>>()?;
                items.reverse();
                items
            }
        };
        self.push(Value::Tuple(items))
    }

    fn list(&mut self, instruction: u8) -> Result<()> {
        let added = match instruction {
            b']' | 0x8f => return self.push(Value::List(Vec::new())),
            b'l' | 0x91 => {
                let items = self.pop_to_mark()?;
                return self.push(Value::List(items));
            }
            b'a' => vec![self.pop()?],
            _ => self.pop_to_mark()?,
        };
        let top = self.top()? as usize;
        match self.values.get_mut(top) {
            Some(Value::List(items)) => items.extend(added),
            Some(Value::Other | Value::Object(_)) => {}
            _ => return Err(Damaged("a list is missing")),
        }
        Ok(())
    }

    fn dict(&mut self, instruction: u8) -> Result<()> {
        let added = match instruction {
            b'}' => return self.push(Value::Dict(Vec::new())),
            b'd' => {
                let items = pairs(&self.pop_to_mark()?)?;
                return self.push(Value::Dict(items));
            }
            b's' => {
                let (value, key) = (self.pop()?, self.pop()?);
                vec![(key, value)]
            }
            _ => pairs(&self.pop_to_mark()?)?,
        };
        let top = self.top()? as usize;
        match self.values.get_mut(top) {
            Some(Value::Dict(items)) => items.extend(added),
            Some(Value::Object(object)) => object.rows.extend(added),
            Some(Value::Other) => {}
            _ => return Err(Damaged("a dictionary is missing")),
        }
        Ok(())
    }

    // ---- names and what is made of them ----

    fn global(&mut self, instruction: u8) -> Result<()> {
        let (module, name) = if instruction == b'c' {
            (self.line()?, self.line()?)
        } else {
            let (name, module) = (self.pop()?, self.pop()?);
            match (self.value(module), self.value(name)) {
                (Value::Text(module), Value::Text(name)) => (module.clone(), name.clone()),
                _ => return Err(Damaged("a name is not text")),
            }
        };
        let named = self.named(&module, &name)?;
        self.push(named)
    }

    fn named(&mut self, module: &str, name: &str) -> Result<Value> {
        if module.len().max(name.len()) > LONGEST_KEY {
            return Err(Damaged("a name is too long"));
        }
        self.charge(module.len() + name.len())?;
        Ok(Value::Known(known(module, name)?))
    }

    /// A callable and its arguments, however the instruction gives them.
    fn called(&mut self, instruction: u8) -> Result<(Value, Vec<Id>)> {
        if instruction == b'i' {
            let (module, name) = (self.line()?, self.line()?);
            return Ok((self.named(&module, &name)?, self.pop_to_mark()?));
        }
        if instruction == b'o' {
            let mut items = self.pop_to_mark()?;
            if items.is_empty() {
                return Err(Damaged("it calls nothing"));
            }
            let callee = items.remove(0);
            return Ok((self.value(callee).clone(), items));
        }
        if instruction == 0x92 {
            self.pop()?; // keyword arguments
        }
        let (arguments, callee) = (self.pop()?, self.pop()?);
        match self.value(arguments).clone() {
            Value::Tuple(arguments) => Ok((self.value(callee).clone(), arguments)),
            _ => Err(Damaged("the arguments of a call are missing")),
        }
    }

    /// `('storage', type, key, location, count)`, with a sixth for views in files of old versions.
    fn persistent(&mut self) -> Result<()> {
        let id = self.pop()?;
        let bad = || Damaged("a reference to numbers is not as torch.save writes it");
        let Value::Tuple(items) = self.value(id) else { return Err(bad()) };
        let (kind, key, count, view) = match items.as_slice() {
            [_, kind, key, _, count] => (*kind, *key, *count, None),
            [_, kind, key, _, count, view] => (*kind, *key, *count, Some(*view)),
            _ => return Err(bad()),
        };
        let element = match self.value(kind) {
            Value::Known(Known::StorageType(element)) => *element,
            Value::Known(Known::Untyped) => Element::U8,
            _ => return Err(bad()),
        };
        let Value::Text(key) = self.value(key) else { return Err(bad()) };
        if key.len() > LONGEST_KEY {
            return Err(bad());
        }
        let key = key.clone();
        let mut storage = Storage { key, element, count: self.natural(count)?, start: 0 };
        if let Some(Value::Tuple(view)) = view.map(|v| self.value(v)) {
            let [_, start, count] = view.as_slice() else { return Err(bad()) };
            (storage.start, storage.count) = (self.natural(*start)?, self.natural(*count)?);
        }
        self.push(Value::Storage(storage))
    }

    fn natural(&self, id: Id) -> Result<u64> {
        match self.value(id) {
            Value::Int(n) => u64::try_from(*n).map_err(|_| PickleError::Tensor(format!("a size or position is {n}"))),
            _ => Err(PickleError::Tensor("a size or position is not a whole number".into())),
        }
    }

    fn naturals(&self, id: Id) -> Result<Vec<u64>> {
        match self.value(id) {
            Value::Tuple(items) | Value::List(items) if items.len() <= MOST_DIMENSIONS => {
                items.iter().map(|i| self.natural(*i)).collect()
            }
            Value::Tuple(items) | Value::List(items) => {
                Err(PickleError::Tensor(format!("it has {} dimensions", items.len())))
            }
            _ => Err(PickleError::Tensor("its size is not a list of numbers".into())),
        }
    }

    fn call(&mut self, instruction: u8) -> Result<()> {
        let (callee, arguments) = self.called(instruction)?;
        self.charge(arguments.len())?;
        let value = match callee {
            // An instruction that only ever makes an object, whatever its class is called.
            Value::Known(Known::Function(class)) if matches!(instruction, 0x81 | 0x92) => object(class),
            Value::Known(callee) => self.made(&callee, &arguments)?,
            Value::Object(callee) => return Err(PickleError::Code(format!("an object of {}", callee.class))),
            _ => return Err(Damaged("it calls something that is no function")),
        };
        match &value {
            Value::Tuple(items) => self.charge(items.len())?,
            Value::Dict(items) => self.charge(2 * items.len())?,
            Value::Known(Known::Function(name)) => self.charge(name.len())?,
            _ => {}
        }
        self.push(value)
    }

    fn made(&self, callee: &Known, arguments: &[Id]) -> Result<Value> {
        let first = arguments.first().map(|id| self.value(*id));
        Ok(match (callee, first) {
            (Known::OrderedDict, None) => Value::Dict(Vec::new()),
            (Known::OrderedDict | Known::Dict, Some(Value::List(rows))) => {
                let pair = |row: &Id| match self.value(*row) {
                    Value::Tuple(pair) | Value::List(pair) => match pair.as_slice() {
                        [key, value] => Ok((*key, *value)),
                        _ => Err(Damaged("a dictionary has a row that is no pair")),
                    },
                    _ => Err(Damaged("a dictionary has a row that is no pair")),
                };
                Value::Dict(rows.iter().map(pair).collect::<Result<_>>()?)
            }
            (Known::Dict, Some(Value::Dict(rows))) => Value::Dict(rows.clone()),
            (Known::Dict, _) => Value::Dict(Vec::new()),
            (Known::Tensor, Some(Value::Storage(storage))) => self.tensor(storage, arguments)?,
            (Known::TypedTensor, Some(Value::Storage(storage))) => self.typed_tensor(storage, arguments)?,
            (Known::Parameter | Known::ParameterWithState, Some(tensor @ (Value::Tensor(_) | Value::Strange(_)))) => {
                tensor.clone()
            }
            // (function, type, arguments, attributes): a tensor that carries attributes.
            (Known::FromType, Some(Value::Known(function))) => match arguments.get(2).map(|id| self.value(*id)) {
                Some(Value::Tuple(inner)) if *function != Known::FromType => {
                    self.made(&function.clone(), &inner.clone())?
                }
                _ => return Err(Damaged("a tensor is not as torch.save writes it")),
            },
            (Known::Size, Some(Value::Tuple(sizes) | Value::List(sizes))) => Value::Tuple(sizes.clone()),
            (Known::Strange(kind), _) => Value::Strange(kind),
            (Known::Array, _) => Value::NumPy,
            (Known::Harmless, _) => Value::Other,
            (Known::New, Some(Value::Known(Known::Class(class) | Known::Function(class)))) => object(class.clone()),
            (Known::New, Some(Value::Known(Known::Dict | Known::OrderedDict))) => Value::Dict(Vec::new()),
            (Known::New, Some(Value::Known(_))) => Value::Other,
            (Known::Attribute, owner) => self.attribute(owner, arguments)?,
            (Known::Class(class), _) => object(class.clone()),
            (Known::Function(name), _) => return Err(PickleError::Code(name.to_string())),
            _ => return Err(Damaged("a value is not as torch.save writes it")),
        })
    }

    /// A method of a class, which is pickled as the class and the method's name.
    fn attribute(&self, owner: Option<&Value>, arguments: &[Id]) -> Result<Value> {
        let class = match owner {
            Some(Value::Known(Known::Class(class))) => class,
            Some(Value::Object(object)) => &object.class,
            _ => return Err(PickleError::Code("builtins.getattr".into())),
        };
        match arguments.get(1).map(|id| self.value(*id)) {
            // Names between underscores lead out of the class.
            Some(Value::Text(name)) if name.len() <= LONGEST_KEY && !name.starts_with("__") => {
                Ok(Value::Known(Known::Function(format!("{class}.{name}").into())))
            }
            _ => Err(PickleError::Code("builtins.getattr".into())),
        }
    }

    /// `(bytes, offset, size, strides, …, …, type)`: PyTorch's newer types have no storage of their own.
    fn typed_tensor(&self, storage: &Storage, arguments: &[Id]) -> Result<Value> {
        let Some(Value::Known(Known::Type(element))) = arguments.get(6).map(|id| self.value(*id)) else {
            return Err(Damaged("a tensor is not as torch.save writes it"));
        };
        let count = storage.count.saturating_mul(storage.element.size()) / element.size();
        self.tensor(&Storage { element: *element, count, ..storage.clone() }, arguments)
    }

    /// `(storage, offset, size, strides, …)`.
    fn tensor(&self, storage: &Storage, arguments: &[Id]) -> Result<Value> {
        let [_, offset, size, strides, ..] = arguments else {
            return Err(Damaged("a tensor is not as torch.save writes it"));
        };
        let (offset, sizes, strides) = (self.natural(*offset)?, self.naturals(*size)?, self.naturals(*strides)?);
        if sizes.len() != strides.len() {
            return Err(PickleError::Tensor(format!("{} sizes and {} strides", sizes.len(), strides.len())));
        }
        let too_large = || PickleError::Tensor(format!("its size is {sizes:?}"));
        let shape = sizes.iter().map(|s| usize::try_from(*s)).collect::<std::result::Result<Vec<_>, _>>();
        let shape = shape.map_err(|_| too_large())?;
        // The last element it looks at must be among those there are.
        let span = sizes.iter().zip(&strides).try_fold(0_u64, |sum, (n, stride)| {
            n.saturating_sub(1).checked_mul(*stride).and_then(|s| sum.checked_add(s))
        });
        let last = span.and_then(|s| s.checked_add(offset)).ok_or_else(too_large)?;
        let empty = sizes.contains(&0);
        if !empty && last >= storage.count {
            let reason = format!("its size {sizes:?} reaches beyond the {} numbers it is part of", storage.count);
            return Err(PickleError::Tensor(reason));
        }
        Ok(Value::Tensor(Box::new(TensorPlace { storage: storage.clone(), offset, shape, strides })))
    }

    /// Attributes put on an object. Those of dictionaries (`_metadata`) and tensors say nothing about weights.
    fn build(&mut self) -> Result<()> {
        let state = self.pop()?;
        let top = self.top()? as usize;
        match self.values.get_mut(top) {
            Some(Value::Object(object)) => {
                object.state = Some(state);
                Ok(())
            }
            Some(Value::Dict(_) | Value::Tensor(_) | Value::Strange(_) | Value::NumPy | Value::Other) => Ok(()),
            _ => Err(Damaged("it puts attributes on a plain value")),
        }
    }
}

/// An object nothing was put into yet.
fn object(class: Arc<str>) -> Value {
    Value::Object(Box::new(Object { class, rows: Vec::new(), state: None }))
}

fn pairs(items: &[Id]) -> Result<Vec<(Id, Id)>> {
    let (pairs, rest) = items.as_chunks::<2>();
    if rest.is_empty() {
        Ok(pairs.iter().map(|[k, v]| (*k, *v)).collect())
    } else {
        Err(Damaged("a dictionary has a key without a value"))
    }
}
