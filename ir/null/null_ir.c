/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * null_ir - the smallest complete IR plugin, to be copied.
 *
 * It reads a format of its own, which says what a computation takes and gives, and nothing of
 * what it does:
 *
 *     ports 1
 *     saxpy                 # the entry point
 *     in     behaviour u32  # without brackets: a value
 *     in     x         f32[]
 *     inout  y         f32[]
 *     in     table     f32[4,256]
 *     end
 *
 * Names are letters, digits and _; directions in, out and inout; types those of SokrIrScalar
 * but bool, as in u32 and f16. An empty extent is the caller's, and can only be the first one.
 * Values are pushed, one after another, each at a multiple of its size; arrays are bound at
 * 0.0, 0.1 and so on. # starts a comment.
 *
 * It lowers to the format of the null substrate, so that `sokr run` and whatever else is above a
 * substrate can be tried with any interface at all, and without a compiler.
 * docs/writing-an-ir-plugin.md walks through it. Build it with
 *
 *     cc -std=c99 -fPIC -shared -fvisibility=hidden null_ir.c -o sokr-null-ir.so
 *
 * Valid as C99 and as C++11.
 */
#include <sokr/ir.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PORTS_IR_FORMAT UINT32_C(0x504F5254)   /* "PORT" */
#define PORTS_NULL_FORMAT UINT32_C(0x4E554C4C) /* "NULL", of the null substrate */

enum { PORTS_MOST = 64, PORTS_MOST_RANK = 4, PORTS_NAME_SIZE = 32, PORTS_MOST_BYTES = 65536 };
static const uint64_t ports_most_memory = UINT32_MAX; /* bytes of one array */

static const char ports_magic[] = "ports 1\n";
static const size_t ports_magic_size = sizeof ports_magic - 1;

/* ---- Sentences ---------------------------------------------------------------------- */

/* Where a function says what was wrong. */
typedef struct {
  char *out;
  size_t capacity;
} Sentence;

/* One line, cut off where the caller's memory ends. What is shown of a file was checked to be
 * plain letters before. */
static SokrResult ports_refuse(Sentence to, SokrResult code, const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  if (to.out && to.capacity) (void)vsnprintf(to.out, to.capacity, format, arguments);
  va_end(arguments);
  return code;
}

static SokrResult ports_accept(Sentence to) {
  if (to.out && to.capacity) to.out[0] = 0;
  return SOKR_OK;
}

/* ---- Reading -------------------------------------------------------------------------- */

typedef struct {
  char name[PORTS_NAME_SIZE], type[PORTS_NAME_SIZE];
  uint32_t scalar, size, direction, is_array, rank;
  uint64_t shape[PORTS_MOST_RANK];
} Port;

typedef struct {
  char name[PORTS_NAME_SIZE];
  Port ports[PORTS_MOST];
  uint32_t count;
} Interface;

/* What is left of the text. */
typedef struct {
  const char *at, *end;
  uint32_t line;
} Text;

static int ports_is_word(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

static void ports_skip_blanks(Text *text) {
  while (text->at < text->end && (*text->at == ' ' || *text->at == '\t')) ++text->at;
  if (text->at < text->end && *text->at == '#')
    while (text->at < text->end && *text->at != '\n') ++text->at;
}

/* Goes behind the end of this line and of empty ones. 0 if there is something else. */
static int ports_end_line(Text *text) {
  int ended = 0;
  for (;;) {
    ports_skip_blanks(text);
    if (text->at == text->end || *text->at != '\n') return ended;
    ++text->at;
    ++text->line;
    ended = 1;
  }
}

/* 0 for none, or one that is too long. */
static int ports_word(Text *text, char word[PORTS_NAME_SIZE]) {
  size_t length = 0;
  ports_skip_blanks(text);
  for (; text->at < text->end && ports_is_word(*text->at); ++text->at) {
    if (length == PORTS_NAME_SIZE - 1) return 0;
    word[length++] = *text->at;
  }
  word[length] = 0;
  return length != 0;
}

static int ports_take(Text *text, char c) {
  ports_skip_blanks(text);
  if (text->at == text->end || *text->at != c) return 0;
  ++text->at;
  return 1;
}

static int ports_number(Text *text, uint64_t *number) {
  char word[PORTS_NAME_SIZE], *end;
  if (!ports_word(text, word) || word[0] < '1' || word[0] > '9' || strlen(word) > 9) return 0;
  *number = strtoul(word, &end, 10);
  return *end == 0;
}

typedef struct {
  const char *name;
  uint32_t number, size; /* bytes; of a direction 0 */
} Named;

static const Named ports_directions[] = {
    {"in", SOKR_IR_IN, 0}, {"out", SOKR_IR_OUT, 0}, {"inout", SOKR_IR_IN_OUT, 0}, {NULL, 0, 0}};
static const Named ports_types[] = {
    {"i8", SOKR_IR_I8, 1},   {"u8", SOKR_IR_U8, 1},   {"i16", SOKR_IR_I16, 2},
    {"u16", SOKR_IR_U16, 2}, {"f16", SOKR_IR_F16, 2}, {"i32", SOKR_IR_I32, 4},
    {"u32", SOKR_IR_U32, 4}, {"f32", SOKR_IR_F32, 4}, {"i64", SOKR_IR_I64, 8},
    {"u64", SOKR_IR_U64, 8}, {"f64", SOKR_IR_F64, 8}, {NULL, 0, 0}};

static const Named *ports_find(const Named *all, const char *name) {
  for (; all->name; ++all)
    if (strcmp(all->name, name) == 0) return all;
  return NULL;
}

/* "[4,256]", behind a type. */
static SokrResult ports_read_shape(Text *text, Port *port, Sentence sentence) {
  if (!ports_take(text, '[')) return SOKR_OK;
  port->is_array = 1;
  if (ports_take(text, ']')) { /* "[]": as many as the caller has */
    port->shape[port->rank++] = SOKR_IR_ANY_EXTENT;
    return SOKR_OK;
  }
  do {
    uint64_t *extent = &port->shape[port->rank];
    if (port->rank == PORTS_MOST_RANK)
      return ports_refuse(sentence, SOKR_CAPABILITY_DENIED,
                          "line %u: '%s' has more than %d extents", text->line, port->name,
                          PORTS_MOST_RANK);
    *extent = SOKR_IR_ANY_EXTENT;
    if (!(port->rank == 0 && text->at < text->end && *text->at == ',') &&
        !ports_number(text, extent))
      return ports_refuse(sentence, SOKR_INVALID_IR,
                          "line %u: an extent of '%s' is no number from 1 to 999999999", text->line,
                          port->name);
    ++port->rank;
  } while (ports_take(text, ','));
  if (ports_take(text, ']')) return SOKR_OK;
  return ports_refuse(sentence, SOKR_INVALID_IR,
                      "line %u: a ] is missing behind the extents of '%s'", text->line, port->name);
}

/* Bytes of an array, with one element of an extent that is the caller's. Each factor is below
 * 2^30, and what is more than 2^32 ends the product: nothing wraps. */
static uint64_t ports_bytes(const Port *port) {
  uint64_t bytes = port->size;
  uint32_t i;
  for (i = 0; i < port->rank && bytes <= ports_most_memory; ++i)
    if (port->shape[i] != SOKR_IR_ANY_EXTENT) bytes *= port->shape[i];
  return bytes;
}

/* "inout y f32[]"; the direction was read. */
static SokrResult ports_read_port(Text *text, const char *direction, Interface *to,
                                  Sentence sentence) {
  const Named *way = ports_find(ports_directions, direction), *type;
  Port *port = &to->ports[to->count];
  uint32_t i;
  if (!way)
    return ports_refuse(
        sentence, SOKR_INVALID_IR,
        "line %u: '%s' is no direction; there are in, out, inout, and end at the end", text->line,
        direction);
  if (to->count == PORTS_MOST)
    return ports_refuse(sentence, SOKR_CAPABILITY_DENIED, "line %u: more than %d ports", text->line,
                        PORTS_MOST);
  memset(port, 0, sizeof *port);
  port->direction = way->number;
  if (!ports_word(text, port->name))
    return ports_refuse(sentence, SOKR_INVALID_IR,
                        "line %u: a name of at most %d letters is missing behind '%s'", text->line,
                        PORTS_NAME_SIZE - 1, direction);
  for (i = 0; i < to->count; ++i)
    if (strcmp(to->ports[i].name, port->name) == 0)
      return ports_refuse(sentence, SOKR_INVALID_IR, "line %u: there are two ports '%s'",
                          text->line, port->name);
  if (!ports_word(text, port->type) || (type = ports_find(ports_types, port->type)) == NULL)
    return ports_refuse(sentence, SOKR_INVALID_IR,
                        "line %u: the type of '%s' is none; types are written like u32 or f16",
                        text->line, port->name);
  port->scalar = type->number;
  port->size = type->size;
  {
    const SokrResult result = ports_read_shape(text, port, sentence);
    if (result != SOKR_OK) return result;
  }
  if (!port->is_array && port->direction != SOKR_IR_IN)
    return ports_refuse(sentence, SOKR_INVALID_IR,
                        "line %u: '%s' is given out, so it is an array: %s[1] has one element",
                        text->line, port->name, port->type);
  if (ports_bytes(port) > ports_most_memory)
    return ports_refuse(sentence, SOKR_CAPABILITY_DENIED,
                        "line %u: '%s' has more than 2^32-1 bytes", text->line, port->name);
  ++to->count;
  return SOKR_OK;
}

static SokrResult ports_read(const uint8_t *data, size_t size, Interface *to, Sentence sentence) {
  Text text;
  char word[PORTS_NAME_SIZE];
  memset(to, 0, sizeof *to);
  if (size > PORTS_MOST_BYTES)
    return ports_refuse(sentence, SOKR_CAPABILITY_DENIED, "the text has more than %d bytes",
                        PORTS_MOST_BYTES);
  if (size < ports_magic_size || memcmp(data, ports_magic, ports_magic_size) != 0)
    return ports_refuse(sentence, SOKR_INVALID_IR,
                        "line 1: the text does not begin with 'ports 1'");
  text.at = (const char *)data + ports_magic_size;
  text.end = (const char *)data + size;
  text.line = 2;
  (void)ports_end_line(&text);
  if (!ports_word(&text, to->name) || !ports_end_line(&text))
    return ports_refuse(sentence, SOKR_INVALID_IR,
                        "line %u: the name of the entry point is missing, alone in its line",
                        text.line);
  for (;;) {
    if (!ports_word(&text, word))
      return ports_refuse(sentence, SOKR_INVALID_IR,
                          "line %u: a direction, or end, is missing: in, out or inout", text.line);
    if (strcmp(word, "end") == 0) break;
    {
      const SokrResult result = ports_read_port(&text, word, to, sentence);
      if (result != SOKR_OK) return result;
    }
    if (!ports_end_line(&text))
      return ports_refuse(sentence, SOKR_INVALID_IR,
                          "line %u: there is more behind the type of '%s', or the text ends",
                          text.line, to->ports[to->count - 1].name);
  }
  if (!ports_end_line(&text) || text.at != text.end)
    return ports_refuse(sentence, SOKR_INVALID_IR,
                        "line %u: the text ends with the line 'end'; this one does not", text.line);
  return ports_accept(sentence);
}

/* ---- What is asked -------------------------------------------------------------------- */

/*
 * A request of any version (sokr/growth.h, 4 and 6): what is shorter is filled up with zeros;
 * what is longer asks for something that we do not have, unless that is zero.
 */
static SokrResult ports_read_request(const SokrIrRequest *request, SokrIrRequest *known,
                                     Sentence sentence) {
  if (!request || !SOKR_HAS(SokrIrRequest, request, local_size))
    return ports_refuse(sentence, SOKR_INVALID_INPUT, "the request is null, or too short for one");
  if (!sokr_copy_sized(known, sizeof *known, request, request->struct_size))
    return ports_refuse(sentence, SOKR_CAPABILITY_DENIED,
                        "the request asks for something that this plugin does not know");
  if (known->ir_version >> 16 != SOKR_IR_VERSION >> 16)
    return ports_refuse(sentence, SOKR_VERSION_MISMATCH, "the request is of version %u; we read %u",
                        known->ir_version >> 16, SOKR_IR_VERSION >> 16);
  if (!known->data) return ports_refuse(sentence, SOKR_INVALID_INPUT, "the text is a null pointer");
  if (known->specialization_count != 0) {
    uint32_t i;
    SokrIrSpecValue value;
    if (!known->specializations || known->specialization_size < SOKR_IR_SPEC_VALUE_SIZE_1_0)
      return ports_refuse(sentence, SOKR_INVALID_INPUT,
                          "the specializations are null, or too short for what they are");
    /* There are no constants: every id is one that is not declared, and ignored. */
    for (i = 0; i < known->specialization_count; ++i)
      if (!sokr_copy_sized(
              &value, sizeof value,
              SOKR_ELEMENT(SokrIrSpecValue, known->specializations, known->specialization_size, i),
              known->specialization_size))
        return ports_refuse(sentence, SOKR_CAPABILITY_DENIED,
                            "a specialization says something that this plugin does not know");
  }
  return SOKR_OK;
}

/* ---- The functions ---------------------------------------------------------------------- */

static int ports_recognise(const uint8_t *data, size_t size) {
  return size >= ports_magic_size && memcmp(data, ports_magic, ports_magic_size) == 0;
}

static SokrResult ports_validate(const SokrIrRequest *request, char *out, size_t capacity) {
  const Sentence sentence = {out, capacity};
  SokrIrRequest known;
  Interface interface;
  const SokrResult result = ports_read_request(request, &known, sentence);
  return result == SOKR_OK ? ports_read(known.data, known.size, &interface, sentence) : result;
}

/* A reflection with all that it points to: one allocation. */
typedef struct {
  SokrIrReflection table; /* first: what is given out is the address of both */
  SokrIrEntryPoint entry;
  SokrIrEntryTypes types;
  SokrIrBinding bindings[PORTS_MOST];
  SokrIrPushMember members[PORTS_MOST];
  SokrIrPort ports[PORTS_MOST];
  SokrIrPushScalar scalars[PORTS_MOST];
  uint32_t binding_scalars[PORTS_MOST];
  uint32_t read_ends[PORTS_MOST];
  Interface interface; /* names, types and shapes */
} Reflection;

/* Arrays are bound in their order. */
static void ports_reflect_array(Reflection *to, const Port *port, SokrIrPort *shown) {
  const uint32_t at = to->entry.binding_count++;
  SokrIrBinding *binding = &to->bindings[at];
  const uint64_t bytes = ports_bytes(port);
  shown->kind = SOKR_IR_PORT_BUFFER;
  shown->binding = at;
  binding->binding = at;
  binding->count = 1;
  binding->kind = SOKR_IR_STORAGE_BUFFER;
  binding->access = port->direction; /* IN is READ, OUT is WRITE */
  binding->runtime_stride = port->shape[0] == SOKR_IR_ANY_EXTENT ? (uint32_t)bytes : 0;
  binding->min_size = bytes;
  binding->name = port->name;
  to->binding_scalars[at] = UINT32_C(1) << port->scalar;
}

/* Values are pushed, each at a multiple of its size. */
static void ports_reflect_value(Reflection *to, const Port *port, SokrIrPort *shown) {
  const uint32_t at = to->entry.push_member_count++;
  SokrIrPushMember *member = &to->members[at];
  shown->kind = SOKR_IR_PORT_PARAMETER;
  shown->offset = (to->entry.push_size + port->size - 1) / port->size * port->size;
  to->entry.push_size = shown->offset + port->size;
  member->name = port->name;
  member->type = port->type;
  member->offset = shown->offset;
  member->size = port->size;
  to->scalars[at].offset = shown->offset;
  to->scalars[at].type = port->scalar;
  to->read_ends[at] = to->entry.push_size;
}

static void ports_fill(Reflection *to, const uint32_t local_size[3]) {
  static const uint32_t one[3] = {1, 1, 1};
  const int is_given = local_size[0] != 0;
  uint32_t i;
  for (i = 0; i < to->interface.count; ++i) {
    const Port *port = &to->interface.ports[i];
    SokrIrPort *shown = &to->ports[i];
    shown->name = port->name;
    shown->shape = port->shape;
    shown->rank = port->rank;
    shown->direction = port->direction;
    shown->type = port->scalar;
    if (port->is_array) {
      ports_reflect_array(to, port, shown);
    } else {
      ports_reflect_value(to, port, shown);
    }
  }
  to->types.binding_scalars = to->binding_scalars;
  to->types.push_scalars = to->scalars;
  to->types.push_scalar_count = to->entry.push_member_count;
  to->types.push_scalar_size = sizeof to->scalars[0];
  to->types.push_read_ends = to->read_ends;
  to->entry.name = to->interface.name;
  memcpy(to->entry.local_size, is_given ? local_size : one, sizeof one);
  to->entry.local_size_source = is_given ? SOKR_IR_LOCAL_SIZE_OVERRIDE : SOKR_IR_LOCAL_SIZE_LITERAL;
  for (i = 0; i < 3; ++i) to->entry.local_size_spec_ids[i] = SOKR_IR_NO_SPEC_ID;
  to->entry.bindings = to->bindings;
  to->entry.binding_size = sizeof to->bindings[0];
  to->entry.push_members = to->members;
  to->entry.push_member_size = sizeof to->members[0];
  to->entry.ports = to->ports;
  to->entry.port_count = to->interface.count;
  to->entry.port_size = sizeof to->ports[0];
  to->table.struct_size = sizeof to->table;
  to->table.entry_points = &to->entry;
  to->table.entry_point_count = 1;
  to->table.entry_point_size = sizeof to->entry;
  to->table.entry_types = &to->types;
  to->table.entry_types_size = sizeof to->types;
  to->table.spec_constant_size = sizeof(SokrIrSpecConstant);
}

static SokrResult ports_reflect(const SokrIrRequest *request, const SokrIrReflection **out,
                                char *text, size_t capacity) {
  const Sentence sentence = {text, capacity};
  SokrIrRequest known;
  Reflection *to;
  SokrResult result;
  if (!out) return ports_refuse(sentence, SOKR_INVALID_INPUT, "the place for the result is null");
  *out = NULL;
  result = ports_read_request(request, &known, sentence);
  if (result != SOKR_OK) return result;
  to = (Reflection *)calloc(1, sizeof *to);
  if (!to) return ports_refuse(sentence, SOKR_DISPATCH_FAILED, "out of memory");
  result = ports_read(known.data, known.size, &to->interface, sentence);
  if (result != SOKR_OK) {
    free(to);
    return result;
  }
  ports_fill(to, known.local_size);
  *out = &to->table;
  return SOKR_OK;
}

static void ports_free_reflection(const SokrIrReflection *reflection) {
  free((void *)reflection); /* of calloc: the table is the first in its allocation */
}

static SokrResult ports_lower(const SokrIrRequest *request, uint8_t **out, size_t *out_size,
                              char *text, size_t capacity) {
  const Sentence sentence = {text, capacity};
  SokrIrRequest known;
  Interface interface;
  SokrResult result;
  if (!out || !out_size)
    return ports_refuse(sentence, SOKR_INVALID_INPUT, "the place for the result is null");
  *out = NULL;
  *out_size = 0;
  result = ports_read_request(request, &known, sentence);
  if (result == SOKR_OK) result = ports_read(known.data, known.size, &interface, sentence);
  if (result != SOKR_OK) return result;
  if (known.target != PORTS_NULL_FORMAT)
    return ports_refuse(sentence, SOKR_INVALID_INPUT, "the target is %#x; we lower to %#x",
                        known.target, PORTS_NULL_FORMAT);
  *out = (uint8_t *)malloc(4 + known.size);
  if (!*out) return ports_refuse(sentence, SOKR_DISPATCH_FAILED, "out of memory");
  /* "NULL", and the interface behind it, so that other interfaces are other computations. */
  memcpy(*out, "NULL", 4);
  memcpy(*out + 4, known.data, known.size);
  *out_size = 4 + known.size;
  return SOKR_OK;
}

static void ports_free_lowered(uint8_t *lowered) {
  free(lowered);
}

/* ---- The table -------------------------------------------------------------------------- */

static const uint32_t ports_targets[] = {PORTS_NULL_FORMAT};

/* Null are the functions of version 1.0: hosts that know requests prefer those. */
static const SokrIrPlugin ports_plugin = {sizeof(SokrIrPlugin),
                                          SOKR_IR_VERSION,
                                          "null-ir",
                                          "1.0",
                                          PORTS_IR_FORMAT,
                                          1,
                                          ports_targets,
                                          ports_recognise,
                                          NULL,
                                          NULL,
                                          ports_free_reflection,
                                          NULL,
                                          ports_free_lowered,
                                          NULL,
                                          ports_validate,
                                          ports_reflect,
                                          ports_lower};

SOKR_IR_PLUGIN_DECLARE(PORTS_IR_FORMAT);

#ifdef __cplusplus
extern "C"
#endif
    __attribute__((visibility("default"))) const SokrIrPlugin *
    sokr_ir_plugin_main(void);

const SokrIrPlugin *sokr_ir_plugin_main(void) {
  return &ports_plugin;
}
