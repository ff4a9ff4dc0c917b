// SPDX-License-Identifier: MIT OR Apache-2.0
// Develops a photograph: local contrast and sharpening against two blurred copies, a soft
// tone curve, richer colours in dull areas, and a vignette. Colours are linear light.
//   push  u32 width, height; f32 sharpen, clarity, saturation, vignette (each 0 = off)
//   0.0   image: vec4[height * width], read
//   0.1   fine: vec4[height * width], the image blurred a little, read
//   0.2   coarse: vec4[height * width], the image blurred a lot, read
//   0.3   developed: u32[height * width], sRGB bytes R G B A, written
// Launch: width x height threads.
#version 450
layout(local_size_x = 16, local_size_y = 16) in;

layout(push_constant) uniform Params {
  uint width, height;
  float sharpen, clarity, saturation, vignette;
};
layout(set = 0, binding = 0) readonly buffer Image { vec4 image[]; };
layout(set = 0, binding = 1) readonly buffer Fine { vec4 fine[]; };
layout(set = 0, binding = 2) readonly buffer Coarse { vec4 coarse[]; };
layout(set = 0, binding = 3) writeonly buffer Developed { uint developed[]; };

const vec3 kLuma = vec3(0.2126, 0.7152, 0.0722);

float luma(vec3 color) { return dot(color, kLuma); }

vec3 encode_srgb(vec3 linear) {
  vec3 low = 12.92 * linear;
  vec3 high = 1.055 * pow(linear, vec3(1.0 / 2.4)) - 0.055;
  return mix(high, low, lessThanEqual(linear, vec3(0.0031308)));
}

void main() {
  uvec2 at = gl_GlobalInvocationID.xy;
  if (at.x >= width || at.y >= height) return;
  uint i = at.y * width + at.x;
  vec3 color = image[i].rgb;

  // Brightness is changed by one factor for all channels, so hues stay.
  float before = max(luma(color), 1e-4);
  float detail = before - luma(fine[i].rgb), shape = before - luma(coarse[i].rgb);
  float midtones = 4.0 * clamp(before, 0.0, 1.0) * (1.0 - clamp(before, 0.0, 1.0));
  float after = before + sharpen * detail + clarity * (0.3 + 0.7 * midtones) * shape;
  color *= clamp(after / before, 0.25, 4.0);

  // Lift shadows that lie in dark surroundings, then roll off the highlights.
  float surroundings = luma(coarse[i].rgb);
  color *= 1.0 + 0.8 * clarity * (1.0 - smoothstep(0.0, 0.35, surroundings));
  vec3 over = max(color - 0.8, vec3(0.0));
  color = min(color, vec3(0.8)) + over / (1.0 + 5.0 * over);

  float grey = luma(color);
  float purity = max(max(color.r, color.g), color.b) - min(min(color.r, color.g), color.b);
  color = mix(vec3(grey), color, 1.0 + saturation * (1.0 - clamp(2.0 * purity, 0.0, 1.0)));

  vec2 from_center = (vec2(at) + 0.5) / vec2(width, height) * 2.0 - 1.0;
  color *= 1.0 - vignette * smoothstep(0.5, 2.0, dot(from_center, from_center));

  color = encode_srgb(clamp(color, 0.0, 1.0));
  developed[i] = packUnorm4x8(vec4(color, 1.0));
}
