// SPDX-License-Identifier: MIT OR Apache-2.0
//
// From a Program and its Analysis to LLVM IR. One Emitter makes one function: a loop
// over workgroups, in it the passes of the workgroup, in them explicit vector code.
//
// Control flow. A construct in which invocations cannot part becomes ordinary blocks.
// One in which they do becomes a straight sequence of its blocks; each runs under a
// mask, guarded by a branch that skips it if no invocation is there, and every edge
// adds its invocations to the mask of its target. Values that outlive such a guard
// travel through slots: allocas that LLVM turns into SSA form, or per-pass memory
// where a barrier lies between. A barrier ends the loop over passes; the next loop
// continues behind it.
//
// Nothing emitted here is ever poison or undef: inactive lanes hold ordinary garbage.
#ifndef SOKR_SUBSTRATES_CPU_COMPILER_EMITTER_HPP_
#define SOKR_SUBSTRATES_CPU_COMPILER_EMITTER_HPP_

#include "compiler/address.hpp"
#include "compiler/analysis.hpp"
#include "compiler/calls.hpp"
#include "compiler/llvm_pch.hpp"
#include "compiler/neighbours.hpp"
#include "compiler/ranges.hpp"
#include "compiler/slots.hpp"
#include "compiler/trace.hpp"

namespace sokr::cpu {

struct TargetTraits {
  Isa isa = Isa::kSse4;
  bool wide_masks = false;     // masks live in mask registers (AVX-512)
  bool masked_memory = false;  // masked loads and stores are instructions
  bool gathers = false;
  bool fma = false;
  bool half = false;       // conversions between half and float
  bool byte_dots = false;  // sums of four products of bytes (VNNI)

  // Are masked loads and stores of elements of `size` bytes instructions?
  bool masks(unsigned size) const { return masked_memory && (size >= 4 || isa == Isa::kAvx512); }
};

// Of a comparison; BAD_ICMP_PREDICATE for other operations.
llvm::CmpInst::Predicate predicate_of(spv::Op op);

// A function besides the kernel, and its frame: bytes from its start for each input and output.
struct SharedFunction {
  llvm::Function* function = nullptr;
  std::vector<std::uint64_t> inputs, outputs;
  std::uint64_t frame_size = 0;
};
using SharedFunctions = std::unordered_map<Id, SharedFunction>;

class Emitter {
 public:
  Emitter(llvm::Module& module, const Program& program, const Analysis& analysis,
          const Geometry& geometry, const CompileOptions& options, const TargetTraits& target);

  // Shared functions that what is emitted may call, and scratch memory that is theirs: [0, bytes).
  void use_shared(const SharedFunctions& functions, std::uint64_t scratch_base) {
    shared_ = &functions;
    scratch_base_ = scratch_base;
  }
  Result<void> emit();
  Result<SharedFunction> emit_shared(const std::string& name, const Signature& signature);
  // In place of a kernel: all functions of builtins.hpp, with external linkage.
  void emit_builtins();
  std::uint64_t scratch_size() const { return scratch_size_; }
  std::uint32_t binding_count() const { return binding_count_; }
  std::uint32_t push_size() const { return push_size_; }

  // ---- For the operations ------------------------------------------------------

  struct Op {  // an instruction being emitted
    const Inst& inst;
    std::vector<Leaves> args;  // empty for operands that are no values
    const Shapes* shapes;      // of the result
  };
  using ScalarFn = llvm::function_ref<LlvmValue*(llvm::ArrayRef<LlvmValue*>)>;

  // Applies `fn` to each register of the operands, scalars or vectors as `shape` says.
  Val apply(const Shape& shape, llvm::ArrayRef<const Val*> operands, ScalarFn fn);
  LlvmValue* base_of(const Val& value, unsigned chunk);  // lane 0
  LlvmValue* vector_of(const Val& value, unsigned chunk);
  Val constant_val(LlvmValue* scalar) { return {Shape::uniform(), {scalar}}; }
  const Shape& shape_of_leaf(const Op& op, std::size_t leaf) const { return (*op.shapes)[leaf]; }

 private:
  // ---- emit_function.cpp: frame of the kernel
  void begin_function();
  void begin_body();
  void load_group_counts();
  void choose_registers();
  bool walks_rows() const;
  void emit_groups();
  void emit_run(LlvmValue* first, LlvmValue* length, bool one_pass);
  void emit_pass();
  void emit_passes();
  void zero_workgroup_memory();
  void place_workgroup_variables();
  Placed workgroup_place(Id type) const { return {type, {}, 0, !p_.entry->explicit_workgroup}; }
  Placed pointee_of(const spirv::Type& pointer) const {
    return pointer.storage == spv::StorageClass::Workgroup ? workgroup_place(pointer.element)
                                                           : Placed{pointer.element, {}, 0};
  }
  Val builtin_leaf(spv::BuiltIn builtin, std::uint32_t leaf);
  Val local_id(unsigned dimension);
  Val lane_index();
  LlvmValue* pass_base();
  LlvmValue* context_field(std::uint64_t offset, LlvmType* type, const char* name);
  void emit_abort_check();

  // ---- emit_values.cpp: values, slots
  LlvmType* scalar_type(Id type) const;
  LlvmType* wide(LlvmType* scalar) const { return llvm::FixedVectorType::get(scalar, g_.width); }
  const Leaves& get(Id id);
  void set(Id id, Leaves leaves);
  Leaves constant_leaves(Id id);
  LlvmValue* scalar_constant(const spirv::Constant& constant);
  Val convert(const Val& value, const Shape& shape);
  Val zero_val(const Shape& shape, LlvmType* scalar);
  Slot make_slot(const Shape& shape, LlvmType* scalar, bool in_scratch);
  LlvmValue* slot_place(const Slot& slot, unsigned element, LlvmType* type, bool writes);
  void store_slot(const Slot& slot, const Val& value, const Val* mask);
  Val load_slot(const Slot& slot);
  void reset_slot(const Slot& slot);
  std::uint32_t loop_around(std::uint32_t construct) const;
  void plan_slots();
  void plan_use(Id id, std::uint32_t user);
  bool leaves_divergent_loop(std::uint32_t from, std::uint32_t to,
                             std::uint32_t* outermost = nullptr) const;
  void reset_slots_of(std::uint32_t loop);
  Slots slots_for(Id type, const Shapes& shapes, bool in_scratch);
  std::uint64_t reserve_scratch(std::uint64_t bytes);
  std::uint32_t open_scope();
  void close_scope(std::uint32_t scope) { scope_open_[scope] = false; }

  // ---- masks
  bool is_full(const Val& mask) const;
  LlvmValue* any(const Val& mask);
  LlvmValue* all(const Val& mask);
  Val mask_and(const Val& a, const Val& b);
  Val mask_or(const Val& a, const Val& b);
  Val mask_not(const Val& a);
  LlvmValue* mask_vector(unsigned chunk) { return vector_of(mask_, chunk); }
  LlvmValue* mask_bits(LlvmValue* mask);  // an integer with a bit for each lane

  // ---- emit_control.cpp
  void emit_range(std::uint32_t construct);
  void emit_uniform(std::uint32_t construct);
  void emit_divergent(std::uint32_t construct);
  void emit_divergent_items(std::uint32_t construct);
  void emit_divergent_items(std::uint32_t construct, std::uint32_t first);
  std::size_t weight(std::uint32_t begin, std::uint32_t end) const;
  std::uint32_t way_on(std::uint32_t construct, std::uint32_t block) const;
  std::uint32_t way_past(std::uint32_t selection) const;
  bool is_steady(Id condition, std::uint32_t block) const;
  bool is_made_twice(std::uint32_t construct, std::uint32_t block) const;
  void emit_both_ways(std::uint32_t construct, std::uint32_t selection, std::uint32_t block,
                      std::uint32_t on);
  std::uint32_t tested_at(std::uint32_t loop) const;
  bool goes_round_together(std::uint32_t loop) const;
  void emit_together_loop(std::uint32_t loop, const Slot& live, BasicBlock* parted,
                          BasicBlock* leave);
  bool leaves_otherwise(std::uint32_t loop, std::uint32_t test) const;
  LlvmValue* everyone(std::uint32_t block, std::uint32_t to);
  LlvmValue* all_hold(Id condition, bool negated, std::uint32_t block);
  LlvmValue* extreme_holds(const Inst& test, bool negated);
  void emit_body(std::uint32_t block);
  void emit_exit_uniform(std::uint32_t block, std::uint32_t root, BasicBlock* leave);
  void emit_exit_divergent(std::uint32_t block);
  void uniform_edge(std::uint32_t from, std::uint32_t to, std::uint32_t root, BasicBlock* leave);
  void phi_edge(std::uint32_t from, std::uint32_t to, const Val& mask);
  void add_mask(std::uint32_t block, const Val& mask);
  void add_mask_to(std::uint32_t block, const Val& mask);
  bool is_rematerialised(Id id) const;
  void load_phis(std::uint32_t block);
  bool is_divergent(std::uint32_t construct) const {
    return static_cast<bool>(a_.constructs[construct]);
  }
  std::uint32_t item_at(std::uint32_t block, std::uint32_t construct) const;
  bool needs_guard(std::uint32_t begin, std::uint32_t end);
  bool needs_abort_check(std::uint32_t loop) const;
  bool is_led_from_outside(std::uint32_t loop, Id pointer) const;
  void make_mask_slots(std::uint32_t construct);
  Divergence tail_divergence() const;
  LlvmValue* blend_mask(const Val& mask, const Shape& shape, unsigned chunk);
  struct Guard {  // a branch around code that nobody may be in
    BasicBlock* skip = nullptr;
    std::uint32_t scope = 0;
  };
  void open_guard(Guard& guard);
  struct Cold;
  void close_guard(Guard& guard);
  BasicBlock* block_label(std::uint32_t block);
  void edge_divergent(std::uint32_t from, std::uint32_t to, const Val& mask);
  Val equals(const Val& selector, std::uint64_t literal);

  // ---- emit_passes.cpp: barriers between loops over passes
  bool splits() const;
  bool is_split(std::uint32_t construct) const;
  void plan_regions();
  bool everyone_comes(std::uint32_t construct) const;
  bool keeps_mask(std::uint32_t block) const;
  void number_regions(std::uint32_t construct, std::uint32_t& next);
  void begin_pass_loop();
  LlvmValue* kept_place(std::uint64_t offset, std::uint64_t stride, LlvmType* type, bool writes);
  bool is_in_loop() const;
  void put_kept_slots();
  LlvmValue* place_in_scratch(std::uint64_t offset, std::uint64_t stride);
  void end_pass_loop();
  void ensure_pass_loop();
  void leave_pass_loop();
  LlvmValue* any_pass(const Slot& slot);
  void emit_split_kernel();
  void emit_split(std::uint32_t construct);
  void emit_split_item(std::uint32_t item, std::uint32_t block);
  bool goes_on(std::uint32_t construct, std::uint32_t before, std::uint32_t block) const;
  bool open_region(std::uint32_t block, bool at_hand, Guard& guard);
  void emit_region_item(std::uint32_t item, std::uint32_t block);

  // ---- emit_scalar_load.cpp: one element for all lanes, or one for each chunk
  LlvmValue* parts_in_bounds(const Address& address, std::int64_t low, std::int64_t high);
  Leaves load_uniform_parts(const Address& address, const std::vector<PlacedLeaf>& leaves);
  Leaves load_lone(const Address& address, const PlacedLeaf& leaf);
  Leaves load_uniform(const Address& address, const std::vector<PlacedLeaf>& leaves);
  Leaves load_rows(const Address& address, const std::vector<PlacedLeaf>& leaves);
  // ---- emit_address.cpp, emit_memory.cpp
  Address address_of(Id pointer);
  void walk_chain(Address& address, const Inst& chain);
  llvm::LoadInst* binding_size(llvm::LoadInst* size);
  bool split_term(Address& address, Id index, std::int64_t stride);
  void track_part(Address& address, const Val& index, std::int64_t stride);
  Shape shape_known(Id id) const {  // of a scalar, where it is made
    return id < bound_ ? Shape::uniform() : a_.values[id - bound_][0];
  }
  bool has_even_steps(Id id, std::uint32_t block, llvm::SmallVectorImpl<Id>& factors) const;
  LlvmValue* step_between_chunks(Id id);
  void track_step(Address& address, Id index, const Val& value, std::int64_t stride);
  bool has_even_rows(const Address& address) const;
  LlvmValue* last_offset(const Address& address);
  LlvmValue* row_pointer(const Address& address, unsigned chunk, std::int64_t offset,
                         LlvmValue* before);

  // ---- emit_pattern.cpp: Workgroup memory at constant places
  using Offsets = llvm::SmallVector<std::int64_t, 16>;
  bool lane_offsets(const Address& address, unsigned chunk, Offsets& out);
  bool places_of(const Address& address, unsigned chunk, std::int64_t offset, Offsets& places);
  bool is_patterned_store(const Inst& inst, std::uint32_t begin);
  bool is_patterned(const Address& address, const std::vector<PlacedLeaf>& leaves);
  unsigned row_bytes() const { return 4 * g_.width; }
  LlvmValue* load_places(const Address& address, LlvmValue* origin, unsigned align,
                         const Offsets& places, LlvmType* type);
  // Elements of such memory whose values are known to be lanes of vectors at hand. What is
  // written stays there until something else may look at the memory.
  struct Element {
    LlvmValue* vector = nullptr;  // of i32; null: only memory has it
    unsigned lane = 0;
    bool written = false;  // memory does not have it yet
  };
  struct Held {
    Address address;
    std::vector<Element> elements;
  };
  Held* held(const Address& address);
  LlvmValue* held_lanes(Held& memory, const Offsets& places);
  bool single_place(const Address& address, unsigned chunk, std::int64_t offset,
                    std::int64_t& place);
  std::optional<Leaves> load_single(const Address& address, const std::vector<PlacedLeaf>& leaves);
  bool store_single(const Address& address, const std::vector<PlacedLeaf>& leaves,
                    const Leaves& value);
  void settle_held();                    // writes what is held to memory, and holds nothing
  void forget_held() { held_.clear(); }  // memory is not looked at any more, or has it all
  void release_held(const Address& address);
  void jump(BasicBlock* to);
  void branch(LlvmValue* condition, BasicBlock* yes, BasicBlock* no,
              llvm::MDNode* weights = nullptr);
  Leaves load_pattern(const Address& address, const std::vector<PlacedLeaf>& leaves);
  bool store_pattern(const Address& address, const std::vector<PlacedLeaf>& leaves,
                     const Leaves& value);
  void store_places(const Address& address, LlvmValue* origin, unsigned align_bytes,
                    const Offsets& places, LlvmValue* value);
  struct Rows {
    Offsets places;                    // of the lanes, in bytes from the first row
    std::int64_t first = 0, span = 0;  // bytes of the rows beside the base
  };
  Rows table_rows(const Address& address, const std::vector<PlacedLeaf>& leaves);
  bool rows_are_inside(const Address& address, const std::vector<PlacedLeaf>& leaves,
                       const Rows& rows) const;
  LlvmValues open_rows(const Address& address, const std::vector<PlacedLeaf>& leaves,
                       const Rows& rows, unsigned count, BasicBlock* slow);
  Leaves load_table_rows(const Address& address, const std::vector<PlacedLeaf>& leaves,
                         const Rows& rows);
  bool store_table_rows(const Address& address, const std::vector<PlacedLeaf>& leaves,
                        const Leaves& value, const Rows& rows);
  void promote_workgroup_memory();
  void add_term(Address& address, const Val& index, LlvmType* type, std::int64_t stride);
  bool is_wide_term(const Address& address, Id index, std::int64_t stride) const;
  void add_wide_term(Address& address, Id index, const Val& value, std::int64_t stride);
  Address root_address(Id root);
  Address buffer_address(const spirv::Variable& variable, const Val* index);
  Address dynamic_address(const Leaves& pointer, Id pointer_type);
  Leaves pointer_leaves(Id pointer);
  std::uint64_t element_stride(const spirv::Type& pointer, const Placed& pointee) const;
  Leaves emit_pointer_test(const Op& op);
  Leaves load_memory(Address address, Id type);
  void store_memory(Address address, const Leaves& value);
  Leaves load_leaves(Address address, const std::vector<PlacedLeaf>& leaves);
  void store_leaves(Address address, const std::vector<PlacedLeaf>& leaves, const Leaves& value);
  // ---- emit_together.cpp: neighbours as one access, narrow components as words
  struct Together;
  bool load_together(const Inst& inst);
  bool store_together(const Inst& inst);
  std::vector<PlacedLeaf> words_of(const Address& address, const std::vector<PlacedLeaf>& leaves);
  Leaves split_words(const Leaves& words, const std::vector<PlacedLeaf>& leaves);
  Leaves packed_words(const Leaves& value, const std::vector<PlacedLeaf>& leaves,
                      std::size_t words);
  bool has_table_elements(const Address& address, const std::vector<PlacedLeaf>& leaves);
  void store_table(const Address& address, const std::vector<PlacedLeaf>& leaves,
                   const Leaves& value);
  LlvmValue* element_pointer(const Address& address, unsigned chunk, std::int64_t offset);
  LlvmValue* lane_pointers(const Address& address, unsigned chunk, std::int64_t offset);
  LlvmValue* lane_in_bounds(const Address& address, unsigned chunk, std::int64_t low,
                            std::int64_t high);
  LlvmValue* room(LlvmValue* limit, std::int64_t span);
  bool always_inside(const Address& address, unsigned chunk, LlvmValue* start, std::int64_t span);
  bool is_inside(const Address& address, std::int64_t low, std::int64_t high) const;
  LlvmValue* range_in_bounds(const Address& address, std::int64_t low, std::int64_t high);
  Leaves load_affine(const Address& address, const std::vector<PlacedLeaf>& leaves);
  Leaves load_words(const Address& address, const std::vector<PlacedLeaf>& leaves);
  void join_careful(const Address& address, const std::vector<PlacedLeaf>& leaves, BasicBlock* slow,
                    BasicBlock* done, Leaves& out);
  void store_careful(const Address& address, const std::vector<PlacedLeaf>& leaves,
                     const Leaves& value, BasicBlock* slow, BasicBlock* done);
  // ---- emit_lanes.cpp: one element for each lane, where there is no instruction for it
  bool has_gather(unsigned size) const;
  bool has_scatter(unsigned size) const;
  bool is_written_out(unsigned accesses);
  LlvmValue* dump_place();
  enum class Lying : std::uint8_t { kSteps, kIndices, kPointers };  // how lanes lie in memory
  std::string lane_function_name(Lying how, LlvmType* element, bool is_store,
                                 bool is_volatile) const;
  static Lying lying_of(const Address& address);
  bool calls_builtin(const Address& address, LlvmType* element, bool is_store) const;
  llvm::Function* lane_function(Lying how, LlvmType* element, bool is_store, bool is_volatile);
  void write_lane_function(llvm::Function& function, Lying how, LlvmType* element, bool is_store,
                           bool is_volatile);
  LlvmValue* call_lanes(const Address& address, unsigned chunk, std::int64_t offset,
                        LlvmType* element, LlvmValue* mask, LlvmValue* value);
  LlvmValue* load_places_of(LlvmValue* pointers, LlvmType* element, LlvmValue* mask);
  void store_places_of(LlvmValue* pointers, LlvmValue* value, LlvmValue* mask);
  LlvmValue* load_each(const Address& address, LlvmValue* pointers, LlvmType* element,
                       LlvmValue* mask);
  void store_each(const Address& address, LlvmValue* pointers, LlvmValue* value, LlvmValue* mask);
  LlvmValue* load_lanes(const Address& address, unsigned chunk, std::int64_t offset, Id scalar,
                        LlvmValue* mask);
  Leaves load_strided(const Address& address, const std::vector<PlacedLeaf>& leaves);
  // Elements of several components
  bool has_wide_elements(const std::vector<PlacedLeaf>& leaves) const;
  unsigned element_accesses(const std::vector<PlacedLeaf>& leaves) const;
  LlvmValues load_elements(const Address& address, const std::vector<PlacedLeaf>& leaves,
                           llvm::ArrayRef<LlvmValue*> pointers);
  LlvmValues load_shared_elements(const Address& address, const std::vector<PlacedLeaf>& leaves,
                                  LlvmValue* start, const Offsets& places);
  // ---- builtins.cpp
  bool is_builtin(std::string_view name) const;

  // ---- emit_element_function.cpp: such elements in a draft
  bool has_element_function(const Address& address, const std::vector<PlacedLeaf>& leaves,
                            bool is_store) const;
  llvm::Function* element_function(Lying how, unsigned count, bool is_store);
  void write_element_function(llvm::Function& function, Lying how, unsigned count, bool is_store);
  LlvmValues element_arguments(const Address& address, const std::vector<PlacedLeaf>& leaves,
                               unsigned chunk);
  Leaves load_by_function(const Address& address, const std::vector<PlacedLeaf>& leaves);
  void store_by_function(const Address& address, const std::vector<PlacedLeaf>& leaves,
                         const Leaves& value);
  Leaves load_apart(const Address& address, const std::vector<PlacedLeaf>& leaves);
  // ---- emit_runs.cpp: lanes that turn out to lie side by side
  struct Runs {
    LlvmValues first;             // the first lane's number in each chunk, i32
    LlvmValue* follow = nullptr;  // do the others of all chunks follow it?
    std::int64_t step = 1;        // by how much each is then larger than the one before
  };
  struct TwoRows {
    std::array<LlvmValue*, 2> who{}, pointer{};
    LlvmValue *inside = nullptr, *whole = nullptr;  // lanes in range; is nobody elsewhere?
  };
  // ---- emit_lines.cpp: numbers along the lanes
  struct Line {
    LlvmValue *first = nullptr, *step = nullptr;  // i32
    LlvmValue* holds = nullptr;                   // provided that; null = always
  };
  struct LineFinder;
  std::optional<Line> line_of(Id id, unsigned chunk);
  std::optional<Runs> find_lines(const Address& address, unsigned count);
  bool is_computed(Id id);
  enum class Order : std::uint8_t { kFollow, kExchange, kTable };  // of lanes in rows
  std::optional<Order> order_of(const Address& address, const std::vector<PlacedLeaf>& leaves,
                                bool is_store);
  bool is_exchange(Id id, int depth) const;
  LlvmValue* permuted(LlvmValue* v, LlvmValue* from);
  Runs find_exchange(const Address& address, LlvmValues& places, bool both_ways);
  Runs find_runs(const Address& address);
  Address row_address(const Address& address, const Runs& runs);
  TwoRows find_two_rows(const Address& address, unsigned chunk, std::int64_t offset, unsigned size);
  bool has_two_rows(const Address& address, const std::vector<PlacedLeaf>& leaves,
                    unsigned count) const;
  Runs find_table_rows(const Address& address, Offsets& numbers);
  Leaves load_runs(const Address& address, const std::vector<PlacedLeaf>& leaves, Order order);
  Leaves load_two_rows(const Address& address, const PlacedLeaf& leaf);
  void store_runs(const Address& address, const std::vector<PlacedLeaf>& leaves,
                  const Leaves& value, Order order);
  void store_two_rows(const Address& address, const PlacedLeaf& leaf, const Val& value);
  Leaves load_scattered(const Address& address, const std::vector<PlacedLeaf>& leaves);
  Leaves load_table(const Address& address, const std::vector<PlacedLeaf>& leaves);
  void store_strided(const Address& address, const std::vector<PlacedLeaf>& leaves,
                     const Leaves& value);
  LlvmValues lanes_of(LlvmValue* indices);
  LlvmValue* load_parts(const Address& address, unsigned chunk, std::int64_t low, unsigned size);
  LlvmValue* pack_word(llvm::ArrayRef<LlvmValue*> parts);
  Leaves load_gather(const Address& address, const std::vector<PlacedLeaf>& leaves);
  void store_uniform(const Address& address, const std::vector<PlacedLeaf>& leaves,
                     const Leaves& value);
  void store_affine(const Address& address, const std::vector<PlacedLeaf>& leaves,
                    const Leaves& value);
  void store_scatter(const Address& address, const std::vector<PlacedLeaf>& leaves,
                     const Leaves& value);
  void store_vector(const Address& address, LlvmValue* pointer, LlvmValue* value, LlvmValue* mask,
                    unsigned align);
  bool is_proven(const Address& address, const std::vector<PlacedLeaf>& leaves) const;
  LlvmType* memory_type(Id scalar) const;
  LlvmValue* to_memory(LlvmValue* value);
  LlvmValue* from_memory(LlvmValue* value, Id scalar);
  template <class Instruction>
  Instruction* annotate(Instruction* inst, const Address& address);
  bool is_scalar_address(const Address& address) const;

  // ---- emit_notes.cpp: what is chosen, told to CompileOptions::trace
  void note(const char* decision, const Address& address,
            const std::vector<PlacedLeaf>& leaves) const;
  void note(const char* decision) const;
  void note_construct(std::uint32_t construct, const char* decision) const;
  void note_variable(Id variable, const char* decision) const;
  bool has(Part part) const { return has_part(o_, part); }

  // ---- emit_private.cpp
  void declare_private();
  Leaves load_private(const PrivatePlace& place, Id pointer, Id type);
  void store_private(const PrivatePlace& place, Id pointer, const Leaves& value);
  LlvmValue* table_memory(Id constant, Id type);
  Address table_address(Id constant, Id type);
  Leaves load_table(const PrivateVariable& variable, const PrivatePlace& place, Id pointer,
                    Id type);
  Val private_index(Id pointer);
  struct PrivateStore;
  Leaves load_cells(const PrivateStore& store, const Val& index, const std::vector<Id>& types);
  void store_cells(const PrivateStore& store, const Val& index, const Leaves& value);
  void reset_private(bool first);
  LlvmValue* private_memory(const PrivateStore& store);
  LlvmValue* to_cell(LlvmValue* value, std::uint32_t cell_size);
  LlvmValue* from_cell(LlvmValue* value, Id scalar);
  LlvmType* cell_type(Id scalar, std::uint32_t cell_size) const;
  LlvmValue* private_row(LlvmValue* memory, LlvmValue* index, std::uint32_t leaf, unsigned chunk,
                         std::uint64_t row);
  LlvmValue* private_lanes(LlvmValue* memory, LlvmValue* index, std::uint32_t leaf, unsigned chunk,
                           std::uint32_t element_size);

  // ---- emit_call.cpp: functions that are shared
  std::vector<std::uint64_t> frame_places(const std::vector<Id>& types, std::uint64_t& at);
  std::uint64_t frame_cell(LlvmType* scalar) const;
  LlvmValue* frame_place(LlvmValue* frame, std::uint64_t at);
  void write_frame(LlvmValue* frame, std::uint64_t at, const Leaves& value);
  Leaves read_frame(LlvmValue* frame, std::uint64_t at, Id type);
  Val read_frame_leaf(LlvmValue* frame, std::uint64_t& at, LlvmType* scalar);
  void emit_call(const Inst& inst);
  void emit_call_result(const Inst& inst);
  void emit_parameter(const Inst& inst);
  void emit_return(const Inst& inst);

  // ---- emit_copy.cpp: values of many scalars
  struct Bulk;
  Bulk bulk_of(Id id, Id type);
  Bulk bulk_member(const Bulk& whole, Id type, std::uint32_t member);
  Bulk bulk_element(const Bulk& whole, Id type, LlvmValue* number, std::uint32_t count);
  void advance(Address& address, const Val& number, std::int64_t stride, Range range);
  void add_reach(Address& address, const std::optional<Range>& index, std::int64_t stride);
  void copy_part(const Bulk& to, const Bulk& from, Id type);
  void copy_whole(const Bulk& to, const Bulk& from, Id type);
  void emit_copy(Id to, Id from, Id condition, Id type);

  // ---- emit_inst.cpp and the operation files
  void emit_inst(const Inst& inst);
  Leaves emit_composite(const Op& op, bool& done);
  Leaves emit_arithmetic(const Op& op);
  Leaves emit_conversion(const Op& op);
  Leaves emit_wide_integer(const Op& op);
  Leaves emit_matrix(const Op& op);
  Leaves emit_dot_product(const Op& op);
  std::optional<Leaves> emit_byte_dot(const Op& op);
  LlvmValue* byte_dot(LlvmValue* sum, LlvmValue* a, LlvmValue* b, bool a_signed, bool b_signed);
  Leaves emit_ext(const Op& op);
  Leaves emit_ext_vector(const Op& op, std::uint32_t which);
  Leaves emit_ext_pack(const Op& op, std::uint32_t which);
  Leaves emit_subgroup(const Op& op);
  Leaves group_arithmetic(const Op& op);
  unsigned subgroup_chunks() const;
  unsigned subgroup_lanes() const;
  Val subgroup_lane();
  Shape subgroup_shape() const;
  std::array<Val, 2> ballot(const Val& predicate);
  std::array<Val, 2> ballot_words(const Leaves& value);
  Val find_bit(const Val& low, const Val& high, bool highest, const Shape& shape);
  Val count_bits(const Val& low, const Val& high, const Val* limit, bool inclusive,
                 const Shape& shape);
  Val shuffle(const Val& value, const Val& source, const Shape& shape);
  LlvmValue* lanes_moved(LlvmValue* v, llvm::function_ref<int(int)> source, LlvmValue* otherwise);
  Val reduce_clusters(spv::Op op, const Val& value, unsigned size, const Shape& shape);
  Val scan(spv::Op op, const Val& value, bool exclusive);
  Leaves emit_atomic(const Op& op);
  void emit_load(const Inst& inst);
  void emit_store(const Inst& inst);
  void emit_copy_memory(const Inst& inst);
  void emit_array_length(const Inst& inst);
  void store_through(Id pointer, const Leaves& value);
  Leaves load_through(Id pointer, Id type);
  LlvmValue* splat_like(LlvmValue* scalar, LlvmType* type);
  LlvmValue* integer_like(LlvmType* type, std::uint64_t value);
  LlvmValue* divide(spv::Op op, LlvmValue* a, LlvmValue* b);
  LlvmValue* to_half(LlvmValue* value, std::uint32_t rounding);
  LlvmValue* to_integer(LlvmValue* x, LlvmType* to, bool is_signed);
  Leaves emit_regrouped_bits(const Op& op);
  LlvmValue* sum_of_products(llvm::ArrayRef<LlvmValue*> v);
  void emit_fence(const Inst& inst);
  struct AtomicPlan {
    spv::Op op{};
    LlvmType* type = nullptr;
    bool plain = false;  // this thread's own memory
    bool used = false;   // somebody reads the old value
    std::uint64_t semantics = 0;
  };
  LlvmValue* atomic_access(const AtomicPlan& plan, LlvmValue* pointer, LlvmValue* value,
                           LlvmValue* comparator);
  LlvmValue* atomic_lanes(const AtomicPlan& plan, LlvmValue* mask, LlvmValue* pointers,
                          LlvmValue* values, LlvmValue* comparators);
  LlvmValue* atomic_unrolled(const AtomicPlan& plan, const Address& address, const Val* value,
                             const Val* comparator, unsigned chunk);
  LlvmValue* atomic_chunk(const AtomicPlan& plan, const Address& address,
                          const AtomicPlan& careful_plan, const Address& careful, const Val* value,
                          const Val* comparator, unsigned chunk);
  bool only_counts(const spirv::Variable& variable) const;
  void plan_counters();
  void zero_counters();
  void add_counters();
  void atomic_combined(const AtomicPlan& plan, const Address& address, const Val& value,
                       LlvmValue* inside);
  LlvmValue* math_ext(std::uint32_t which, llvm::ArrayRef<LlvmValue*> in, bool known);
  LlvmValue* float_min(LlvmValue* a, LlvmValue* b);
  LlvmValue* float_max(LlvmValue* a, LlvmValue* b);
  LlvmValue* fused_multiply_add(LlvmValue* a, LlvmValue* b, LlvmValue* c);
  // a * b + c, with one rounding if the instruction being emitted may be contracted.
  LlvmValue* contracted(LlvmValue* a, LlvmValue* b, LlvmValue* c);
  LlvmValue* scale_by_power(LlvmValue* x, LlvmValue* n);
  std::pair<LlvmValue*, LlvmValue*> split_exponent(LlvmValue* x);
  LlvmValue* determinant(llvm::ArrayRef<LlvmValue*> m, unsigned n);
  LlvmValues minor_of(llvm::ArrayRef<LlvmValue*> m, unsigned n, unsigned column, unsigned row);
  LlvmValue* widen_half(LlvmValue* value);
  LlvmValue* narrow_half(LlvmValue* value);
  void define_half_conversions();
  void internal_error(std::string sentence);

  llvm::Module& m_;
  llvm::LLVMContext& cx_;
  mutable llvm::IRBuilder<> b_;
  const Program& p_;
  const Analysis& a_;
  const Geometry& g_;
  Ranges ranges_;
  Neighbours neighbours_;
  std::unordered_set<const Inst*> done_;  // accesses that were made with others of theirs
  const CompileOptions& o_;
  TargetTraits t_;
  Id bound_ = 0;
  std::optional<Failure> failure_;

  // Frame
  llvm::Function* fn_ = nullptr;
  LlvmValue *context_ = nullptr, *scratch_ = nullptr;
  BasicBlock *entry_ = nullptr, *leave_ = nullptr;
  std::array<LlvmValue*, 3> group_id_{}, group_count_{};
  LlvmValue* pass_ = nullptr;  // i32; null outside of a loop over passes
  struct PassLoop {
    BasicBlock* head = nullptr;
    llvm::PHINode* counter = nullptr;
    std::uint32_t scope = 0;
  } pass_loop_;
  std::map<std::uint64_t, KeptSlot> kept_slots_;  // by offset in scratch memory
  LlvmValue* zeros_ = nullptr;
  LlvmValue* dump_ = nullptr;  // 8 bytes for what nobody reads; null until used
  std::uint64_t block_workgroup_size_ = 0, block_workgroup_offset_ = 0;
  std::unordered_map<std::string, LlvmValue*> context_fields_;
  std::uint64_t scratch_size_ = 0;
  std::uint32_t binding_count_ = 0, push_size_ = 0;
  std::unordered_map<Id, std::pair<std::uint64_t, std::uint64_t>> workgroup_;  // offset, size
  std::unordered_map<Id, llvm::Instruction*> workgroup_base_;
  BasicBlock* group_start_ = nullptr;
  llvm::MapVector<LlvmValue*, Held> held_;               // by the variable's base
  std::unordered_map<Id, std::uint32_t> first_binding_;  // variable -> flattened index
  std::vector<llvm::MDNode*> alias_scopes_;
  llvm::MDNode* alias_domain_ = nullptr;
  std::unordered_map<std::uint64_t, int> scope_of_binding_;

  // Values
  struct Stored {
    Leaves leaves;
    std::uint32_t scope = kNone;
    std::uint32_t block = kNone;  // good in this block only; kNone = wherever the scope is open
  };
  std::vector<Stored> stored_;
  bool contract_ = false;     // the instruction being emitted may be contracted
  bool steady_load_ = false;  // the load being emitted is the same in every round of its loop
  bool keep_loads_ = true;    // values loaded from slots may be used again in their block
  struct ValueSlots {
    Slots inside;   // for uses before the value's loops end
    Slots outside;  // for uses behind a loop that invocations leave one by one: blended
  };
  std::vector<ValueSlots> value_slots_;
  std::vector<bool> used_;
  std::unordered_map<Id, bool> computed_;  // is_computed
  std::unordered_map<Id, Slots> phi_slots_;
  std::unordered_map<Id, Leaves> constants_;
  std::vector<bool> scope_open_;
  std::vector<std::uint32_t> scopes_;                                   // stack
  std::unordered_map<std::uint32_t, std::vector<const Slot*>> resets_;  // by loop; kNone = pass

  // Control
  Val mask_;        // of the block being emitted
  Val entry_mask_;  // of the pass
  std::uint32_t block_ = 0;
  int cold_ = 0;  // more than 0: the code is for those who have parted
  std::vector<BasicBlock*> labels_;
  std::unordered_map<std::uint32_t, Slot> mask_slots_;
  std::vector<bool> mask_known_;  // blocks whose mask is that of their construct
  struct Chain {                  // the mask that the next block takes over
    std::uint32_t block = kNone;
    Val mask;
    bool narrower = false;  // than that of the block before
  } chain_;
  std::vector<std::uint32_t> region_;  // by block

  // Atomics
  static constexpr std::uint32_t kMostUnrolledLanes = 1024;  // in a kernel, for its size
  std::uint32_t unrolled_lanes_ = 0;
  struct Counters {  // a buffer's counters in scratch memory
    Id variable = 0;
    std::uint64_t offset = 0, size = 0;
  };
  std::vector<Counters> counters_;

  // Shared functions
  const SharedFunctions* shared_ = nullptr;
  std::uint64_t scratch_base_ = 0;
  std::unordered_map<Id, LlvmValue*> frames_;  // by function
  const SharedFunction* called_ = nullptr;     // by the call just emitted
  LlvmValue* called_frame_ = nullptr;          // that call's, or that of this function itself
  SharedFunction own_;

  // Accesses lane by lane
  static constexpr std::uint64_t kMostWrittenOut = 1024;  // lanes in a kernel, for its size
  std::uint64_t written_out_ = 0;
  int careful_ = 0;  // more than 0: the code tests lanes one by one, and hardly ever runs
  std::unordered_map<std::string, llvm::Function*> lane_functions_;

  // Private memory
  struct PrivateStore {
    Slots slots;  // by leaf, if never indexed by a value
    std::uint32_t leaves = 0;
    LlvmValue* memory = nullptr;  // [leaf][chunk][lane]
    std::uint64_t scratch_offset = 0, pass_stride = 0;
    bool in_scratch = false;
    std::uint32_t element_size = 0;  // of a cell
  };
  std::unordered_map<Id, PrivateStore> private_;
  std::unordered_map<Id, LlvmValue*> tables_;  // by constant
};

// While it lives, code is made for those who have parted.
struct Emitter::Cold {
  explicit Cold(Emitter& emitter) : e(emitter) { ++e.cold_; }
  ~Cold() { --e.cold_; }
  Cold(const Cold&) = delete;
  Cold& operator=(const Cold&) = delete;
  Emitter& e;
};

}  // namespace sokr::cpu

#endif  // SOKR_SUBSTRATES_CPU_COMPILER_EMITTER_HPP_
