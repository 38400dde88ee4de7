"""The mistakes that people made in each exercise, in groups: what the teacher's guide counts.

Each mistake is a function of tests/diagnosis, where its `@mistake` names the public thread in which it was found. A
test holds these groups against that collection: every mistake stands in exactly one group.
"""

GROUPS = {
    "gaussian": {
        (
            "The width confused with its square or its logarithm: σ, σ² and ln σ² change places in the value or in dμ "
            "and dlogvar."
        ): """
            gaussian_with_the_variance_for_its_logarithm gaussian_divided_by_the_standard_deviation
            gaussian_whose_mean_is_pulled_by_one_over_sigma gaussian_whose_gradient_takes_logvar_for_log_sigma
            gaussian_whose_mean_is_pulled_by_the_cube gaussian_whose_scale_is_its_variance
            gaussian_with_ln_sigma_in_the_denominator
        """,
        "A factor ½ or a square too many or too few, in the exponent or in its derivative.": """
            gaussian_with_two_halves gaussian_with_half_a_pull gaussian_with_a_distance_that_is_not_squared
        """,
        (
            "The constant ½ ln 2π: counted once or by the examples instead of once for each dimension, or not in "
            "logarithms."
        ): """
            gaussian_with_the_constant_once gaussian_with_a_root_for_its_logarithm
            gaussian_that_counts_the_examples_for_its_constant
        """,
        "A sign in the gradient of x.": """
            gaussian_that_pulls_x_away_from_the_mean
        """,
        "The mean over the dimensions in place of the sum.": """
            gaussian_averaged_over_its_dimensions
        """,
    },
    "importance_sampling": {
        "The wrong weight: ln q with the wrong sign, no prior, a KL in it, 1/w for w.": """
            importance_sampling_of_inverse_weights importance_sampling_with_q_multiplied
            importance_sampling_with_a_kl_in_the_weights importance_sampling_that_averages_inverse_likelihoods
            importance_sampling_without_the_prior
        """,
        "The logarithm and the mean change places, or 1/K goes wrong: the mean of ln w, no ln K, 1/K added.": """
            importance_sampling_without_ln_k importance_sampling_with_a_mean_of_logarithms
            importance_sampling_that_adds_one_over_k
        """,
        "The effective sample size: of weights that are not normalized, of their logarithms, or a mean for a sum.": """
            importance_sampling_with_a_mean_of_normalized_weights
            importance_sampling_with_unnormalized_effective_size
            importance_sampling_with_the_effective_size_of_logarithms
        """,
        "The maximum that prevents underflow: taken over all examples, or not added back.": """
            importance_sampling_with_one_maximum_for_all importance_sampling_without_its_maximum
        """,
        "A sum that runs over the wrong draws or examples.": """
            importance_sampling_that_adds_up_over_the_examples importance_sampling_of_the_last_block
        """,
    },
    "dense_forward": {
        "The bias: missing, added once for every input, multiplied in, or spread along the wrong axis.": """
            dense_with_the_bias_inside_the_sum dense_that_adds_the_first_bias_everywhere
            dense_that_adds_the_sum_of_all_biases dense_whose_bias_is_added_for_every_input
            dense_that_multiplies_by_its_bias dense_whose_bias_is_repeated_along_the_wrong_axis
            dense_whose_biases_are_not_added
        """,
        "The sum over the inputs: overwritten, averaged, or over the wrong range.": """
            dense_that_overwrites_its_sum dense_that_averages_its_features
            dense_whose_rest_begins_at_the_first_input dense_with_the_wrong_dimension_in_its_loop
        """,
        "W or the result in the wrong layout: reshaped instead of transposed.": """
            dense_that_reshapes_weights_to_transpose_and_back dense_with_its_outputs_in_the_rows
        """,
        "The result in float32 whatever the input's dtype.": """
            dense_in_single_precision
        """,
    },
    "dense_backward": {
        "A mean or an extra factor: divided by the batch or the number of units, or multiplied by 2.": """
            dense_backward_with_a_mean_over_the_outputs dense_backward_with_an_averaged_input_gradient
            dense_backward_with_a_planted_two dense_backward_divided_by_the_neurons
            dense_backward_whose_weights_get_an_average
        """,
        (
            "The wrong array in a product: the gradient of W for W, the delta of another layer, the slope of an "
            "activation."
        ): """
            dense_backward_through_the_gradient_of_w dense_backward_with_the_slope_of_a_sigmoid
            dense_backward_through_weights_that_were_updated dense_backward_with_activated_inputs
            dense_backward_with_the_delta_of_the_layer_below
        """,
        "db is not the sum over the examples: one example, one number for all units, or the sum of another array.": """
            dense_backward_that_sums_the_weights_gradient_for_the_bias
            dense_backward_with_the_first_example_for_the_bias dense_backward_with_one_sum_for_all_biases
        """,
        "A buffer that keeps the last example, or adds to an earlier call.": """
            dense_backward_that_keeps_the_last_example dense_backward_into_a_buffer_that_is_never_cleared
        """,
        "Reshaped where it must be transposed.": """
            dense_backward_that_reshapes_what_it_must_transpose
        """,
    },
    "relu": {
        "The mask comes from the wrong array or the wrong comparison: from y, from dy, below zero, from 1 on.": """
            relu_that_tests_the_input_for_zero relu_whose_mask_starts_from_x relu_whose_mask_begins_at_one
            relu_that_lets_everything_through_at_its_zero relu_that_clears_negative_gradients
            relu_that_is_active_below_zero
        """,
        "Another slope than 0 on the left or 1 on the right: a leak on the wrong side, x, a constant, a missing ½.": """
            relu_whose_slope_is_x_on_the_left relu_with_a_constant_gradient_on_the_left
            relu_with_the_leak_on_the_active_side relu_whose_absolute_value_has_no_slope
            relu_with_a_sum_of_signs_that_is_not_halved
        """,
        "dy is not multiplied by the mask, but replaced by it.": """
            relu_that_overwrites_the_gradient_with_one relu_whose_gradient_is_its_slope_alone
        """,
        "The slope at x = 0 is 1.": """
            relu_with_slope_one_at_zero relu_whose_slope_begins_at_zero_itself
        """,
        "dy is changed in place.": """
            relu_that_writes_into_dy
        """,
    },
    "sigmoid": {
        "σ′ written with the wrong array: x in place of y, σ of what is a σ already, dy in place of y.": """
            sigmoid_with_one_factor_taken_twice sigmoid_whose_slope_is_taken_at_the_output
            sigmoid_whose_output_is_its_upstream_gradient sigmoid_with_the_input_in_one_factor
            sigmoid_whose_derivative_is_nested
        """,
        "σ′ = y (1 − y) with a sign, a bracket, a square or the product lost.": """
            sigmoid_without_the_square_of_the_denominator sigmoid_divided_by_its_slope
            sigmoid_with_a_difference_for_a_product sigmoid_without_parentheses sigmoid_that_falls
        """,
        "The value itself: e⁺ˣ for e⁻ˣ, or x above the line.": """
            sigmoid_of_the_other_sign sigmoid_with_its_input_above_the_line
        """,
        "The factor ½ of a formula with tanh.": """
            sigmoid_by_tanh_of_the_whole_input sigmoid_by_tanh_without_the_inner_half
        """,
        "Far from zero: a formula that gives ∞/∞, or a clip that changes the value.": """
            sigmoid_whose_slope_is_inf_over_inf sigmoid_that_is_clipped
        """,
    },
    "softplus": {
        "Overflow or rounding far from zero, or a threshold that is too low.": """
            softplus_whose_slope_is_a_product_of_infinity_and_zero softplus_without_log1p
            softplus_that_overflows_on_the_left softplus_with_a_low_threshold
            softplus_whose_slope_is_one_above_a_threshold softplus_that_divides_by_an_exponential
        """,
        "The stable form copied with a slip: no |x|, no sign of x, a tail with the wrong sign, 1 added twice.": """
            softplus_without_the_absolute_value softplus_with_the_tail_of_its_inverse softplus_that_adds_one_twice
            softplus_that_differentiates_its_parts_without_a_sign softplus_that_subtracts_its_tail
        """,
        "The slope taken at y in place of x, or the other way round.": """
            softplus_whose_slope_takes_the_input_for_the_output softplus_with_the_slope_at_its_output
        """,
        "A factor ½ lost in a slope by tanh.": """
            softplus_with_a_whole_for_a_half softplus_whose_slope_is_too_steep
        """,
    },
    "pca": {
        "Rows and columns: eigenvectors are columns, but rows are sorted, cut or returned.": """
            pca_that_sorts_rows_of_eigenvectors pca_by_svd_with_the_transpose_undone
            pca_with_axes_as_long_as_their_deviation pca_with_samples_and_features_exchanged
            pca_by_the_gram_matrix_with_rows_of_eigenvectors pca_whose_axes_are_rows_of_the_eigenvector_matrix
        """,
        "The order: eigh returns ascending eigenvalues, eig none at all, or values and vectors do not match.": """
            pca_in_ascending_order pca_with_sorted_values_and_unsorted_vectors pca_that_reverses_its_vectors_alone
            pca_with_values_and_vectors_exchanged
        """,
        "The mean: not subtracted, of the wrong axis, or wrong itself.": """
            pca_by_svd_without_centring pca_centred_along_the_wrong_axis pca_whose_mean_is_a_part_of_the_last_row
        """,
        "Another matrix than the covariance with 1/N: N − 1, standardized data, a covariance of the covariance.": """
            pca_with_unbiased_covariance_from_numpy pca_of_standardized_data pca_of_a_covariance_matrix
        """,
        "Something else in place of all eigenvalues: the features' variances, squares, only the first ones.": """
            pca_with_the_variances_of_the_features pca_with_squares_of_the_eigenvalues
            pca_that_cuts_the_eigenvalues_as_well
        """,
    },
    "kl": {
        "logvar read as something else: σ for σ², ln σ for ln σ², σ² squared again, one term halved.": """
            kl_with_a_standard_deviation_for_the_variance kl_whose_gradient_has_half_of_minus_one
            kl_with_the_square_of_logvar kl_whose_gradient_knows_the_standard_deviation
            kl_that_takes_logvar_for_ln_sigma kl_with_a_sigma_that_is_not_squared kl_with_a_half_too_few
            kl_whose_variance_is_squared_again
        """,
        "A sign, in the value or in one derivative.": """
            kl_with_minus_the_variance kl_with_plus_logvar kl_with_a_sign_turned_twice kl_that_pushes_the_mean_away
        """,
        "The sum: a mean, one sum for the whole batch, or the constant −1 once instead of once per dimension.": """
            kl_with_an_averaged_gradient_of_mu kl_that_subtracts_its_constant_once kl_of_all_examples_together
        """,
        "σ treated as a constant, or the derivatives returned in another order.": """
            kl_whose_variance_is_a_constant kl_that_returns_its_gradients_in_another_order
        """,
    },
    "elbo": {
        (
            "A mean or a divisor that is not there: over pixels, latent dimensions, the batch; or a sum over the "
            "draws."
        ): """
            elbo_with_a_mean_over_pixels elbo_averaged_over_the_batch
            elbo_whose_reconstruction_is_divided_by_the_batch elbo_whose_kl_is_divided_by_all_pixels
            elbo_that_adds_up_its_samples elbo_whose_kl_is_a_mean_over_the_latent_dimensions
            elbo_whose_kl_is_the_mean_of_all_examples
        """,
        "The wrong KL: another weight, from draws instead of the formula, of (μ, μ).": """
            elbo_with_a_kl_coefficient elbo_with_a_sampled_kl elbo_whose_kl_sees_the_mean_twice
        """,
        "The sign: the loss in place of the bound, or a KL with a minus.": """
            elbo_with_minus_the_kl elbo_with_a_reconstruction_loss
        """,
        "The draws: averaged before decoding, or only the last one kept.": """
            elbo_of_the_mean_code elbo_of_the_last_sample
        """,
        "The reconstruction is missing, or cut off from the gradient.": """
            elbo_with_a_cut_graph elbo_without_a_reconstruction
        """,
    },
    "e_step": {
        "zero_grad, backward and step in the wrong order or not in every step.": """
            e_step_that_accumulates e_step_that_clears_before_it_steps e_step_that_steps_backward_and_forward
            e_step_that_clears_once_for_all_steps e_step_that_steps_after_every_second_gradient
        """,
        "The loop or the optimiser: a fresh Adam in each step, one step, one loss for all steps, another rate.": """
            e_step_with_a_fresh_adam_every_time e_step_with_a_rate_of_its_own e_step_that_takes_one_step
            e_step_with_one_loss_for_all_steps
        """,
        "Not all parameters move together: only μ, only by the KL, μ first and logvar later.": """
            e_step_of_the_kl_alone e_step_that_moves_mu_first_and_logvar_later e_step_that_moves_the_means_alone
        """,
        "Downhill in place of uphill.": """
            e_step_downhill e_step_with_a_negative_rate
        """,
        "The deviations begin as variances.": """
            e_step_that_begins_with_variances_for_deviations
        """,
    },
    "reparameterize": {
        "σ from logvar with the wrong function: the variance for σ, no ½, two exponentials, softplus, a root.": """
            reparameterize_with_two_exponentials reparameterize_with_softplus_for_the_exponential
            reparameterize_without_the_exponential reparameterize_with_the_root_of_the_deviation
            reparameterize_with_a_variance_for_the_scale
        """,
        "The noise: dropped, replaced by its deviation, drawn again, or shared by all examples.": """
            reparameterize_without_noise reparameterize_that_draws_other_noise_in_the_gradient
            reparameterize_with_the_noise_of_the_first_example reparameterize_that_adds_the_deviation_itself
            reparameterize_with_the_deviation_of_the_noise
        """,
        "dlogvar with a factor missing: ½, σ or σ².": """
            reparameterize_with_the_gradient_of_log_sigma reparameterize_with_the_variance_and_the_right_derivative
            reparameterize_with_the_derivative_by_the_variance
        """,
        "σ gets no gradient.": """
            reparameterize_with_a_deviation_that_stays reparameterize_whose_sigma_needs_no_gradient
        """,
        "σ multiplies μ as well.": """
            reparameterize_that_multiplies_the_mean_too
        """,
    },
    "bernoulli": {
        "A sign, brackets, x and 1 − x exchanged, or x and the logit.": """
            bernoulli_with_the_gradient_of_a_loss bernoulli_whose_second_term_is_subtracted
            bernoulli_without_brackets bernoulli_with_on_and_off_reversed bernoulli_whose_data_is_taken_for_logits
        """,
        "Logit and probability confused: a sigmoid too many, too few, or its slope once more.": """
            bernoulli_with_a_logit_for_a_probability bernoulli_with_the_slope_of_the_sigmoid_twice
            bernoulli_with_the_gradient_of_a_probability bernoulli_whose_gradient_has_a_sigmoid_of_a_sigmoid
        """,
        "Clipped, clamped or rounded: far logits get another value.": """
            bernoulli_with_clipped_probabilities bernoulli_with_clamped_logits bernoulli_of_a_rounded_probability
        """,
        "The stable form copied with a slip: max(l, 0) for max(−l, 0), the slope of |l| at 0.": """
            bernoulli_with_the_wrong_maximum bernoulli_with_the_gradient_of_an_absolute_value
        """,
        "A mean over the pixels where the formula has a sum.": """
            bernoulli_whose_gradient_is_a_mean_over_pixels bernoulli_that_is_averaged_over_the_pixels
        """,
    },
    "adam": {
        (
            "The bias correction: missing, applied twice, without a power of t, multiplied, or written into the "
            "accumulator."
        ): """
            adam_with_one_minus_the_correction adam_with_the_second_moment_multiplied adam_corrected_without_a_power
            adam_corrected_with_a_square adam_that_corrects_its_accumulator adam_corrected_twice
            adam_whose_second_moment_is_corrected_twice adam_without_bias_correction
            adam_whose_step_size_is_never_used
        """,
        (
            "The running means: β and 1 − β exchanged, 1 − β left out, added to the old one, divided by β, β₁ with a "
            "power of t."
        ): """
            adam_whose_first_mean_is_the_gradient adam_whose_second_moment_is_divided_by_its_decay
            adam_whose_first_decay_is_turned_around adam_that_adds_the_mean_to_the_old_one
            adam_whose_first_decay_has_a_power
        """,
        "ε in the wrong place: inside the root, subtracted, or before the correction.": """
            adam_whose_epsilon_is_corrected_as_well adam_that_subtracts_epsilon adam_with_epsilon_inside_of_its_root
        """,
        "The step count: raised for each parameter, or begun at 2.": """
            adam_that_counts_its_parameters adam_that_begins_with_its_second_step
        """,
    },
    "training_step": {
        "zero_grad after backward, not at all, or not before the first backward.": """
            training_step_that_clears_what_it_computed training_step_with_a_duplicate_deposit
            training_step_that_never_clears training_step_without_a_clearing
            training_step_that_clears_before_it_moves
        """,
        "The step happens at the wrong time: before backward, twice, or only after every second minibatch.": """
            training_step_that_steps_first training_step_that_accumulates_two_minibatches
            training_step_with_a_step_behind_the_branch
        """,
        "backward: never reached, misspelled, or called on a scaled loss.": """
            training_step_that_goes_back_in_the_wrong_branch training_step_that_divides_by_steps_it_does_not_take
            training_step_that_spells_it_with_an_s
        """,
        "What is returned is computed after the step, and not before it.": """
            training_step_that_returns_the_loss_after_the_step training_step_whose_parts_are_younger_than_their_sum
        """,
        "The number of the step is not passed on, or is one too large.": """
            training_step_without_its_number training_step_whose_warm_up_is_one_ahead
        """,
    },
    "iwae_weights": {
        (
            "The axis: normalized over everything, over the first or last axis whatever was asked for, or not brought "
            "back."
        ): """
            iwae_weights_normalized_over_everything iwae_weights_over_the_last_axis
            iwae_weights_for_whom_the_last_axis_is_none iwae_weights_over_the_first_axis
            iwae_weights_without_the_axis_that_was_removed
        """,
        (
            "Weights that are not normalized weights: their logarithms, not divided, divided by the mean, multiplied "
            "by the sum."
        ): """
            iwae_weights_divided_by_the_mean iwae_weights_that_are_logarithms iwae_weights_that_are_not_normalized
            iwae_weights_multiplied_by_their_sum
        """,
        (
            "A term too many: the derivative of softmax, weights that are not constants, half of the maximum's "
            "gradient."
        ): """
            iwae_weights_that_are_not_detached iwae_weights_with_the_derivative_of_softmax
            iwae_weights_with_half_of_the_maximums_gradient
        """,
        "The maximum: not subtracted, so that something overflows, or not the same in both places.": """
            iwae_weights_without_a_maximum iwae_weights_as_a_quotient_of_exponentials
            iwae_weights_with_the_maximum_subtracted_from_the_output
        """,
    },
    "convolution": {
        "The layout of the kernel or of its gradient: reshaped for transposed, channels first, axes exchanged.": """
            conv2d_with_channels_first_columns conv2d_with_height_and_width_exchanged
            conv2d_whose_kernel_is_reshaped_to_its_transpose conv2d_whose_transposed_gradient_is_reshaped
            conv2d_whose_kernel_gradient_has_its_shape_the_other_way_round
            conv2d_whose_kernel_gradient_is_transposed_in_the_wrong_order
        """,
        "Stride or padding forgotten, or the border cut at the wrong end: right for stride 1 alone.": """
            conv2d_that_forgets_the_stride_in_dw conv2d_whose_border_is_cut_at_the_wrong_end
            conv2d_whose_windows_of_dx_forget_the_stride conv2d_unfolded_without_stride_and_padding
        """,
        "The kernel turned around where it should not be.": """
            conv2d_with_a_reversed_weight_gradient conv2d_with_a_flipped_kernel_in_dx
        """,
        "A mean over images or places in place of the sum.": """
            conv2d_with_a_bias_averaged_over_the_images conv2d_whose_kernel_gradient_is_a_mean_over_places
        """,
        "Only the last image or the first channel counts.": """
            conv2d_that_keeps_the_last_image conv2d_whose_first_channel_alone_gets_a_gradient
        """,
    },
}
